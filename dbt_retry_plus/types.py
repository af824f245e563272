"""The frozen values that travel from the ledger through planning to execution and the reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Any

EMPTY: Mapping[str, Any] = MappingProxyType({})

PROVEN_STATUSES = frozenset({"success", "pass", "warn", "no-op", "reused"})
"""dbt's statuses of a node that needs no retry (`warn` does under `--warn-error`)."""

INTERRUPTED = "interrupted"
"""Our status of a node that started and never finished."""

NOT_STARTED = "not started"
"""Our status of a selected node that the invocation never reached."""

UNPROVEN_STATUSES = frozenset(
    {"error", "fail", "skipped", "runtime error", "partial success", INTERRUPTED, NOT_STARTED}
)


class Reason(str, Enum):
    """Why a node is in the retry set."""

    FAILED = "failed"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"
    NOT_STARTED = "not started"
    CHANGED = "changed since it succeeded"
    PARENT_OF_FAILED_TEST = "parent of a failed test"
    DOWNSTREAM = "downstream of a rebuilt node"
    WARNED = "warned"
    FAILED_BATCHES = "failed batches"
    FAILED_HOOK = "failed hook"


class Severity(str, Enum):
    """What a finding does to the retry."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """What a check says before anything runs.

    Attributes:
        severity: An error stops the retry, a warning is shown.
        code: A stable, kebab-case name that settings can refer to.
        message: What was found, in one sentence.
        remedy: What to do about it, in one sentence.
    """

    severity: Severity
    code: str
    message: str
    remedy: str

    @property
    def sentence(self) -> str:
        """Message and remedy as a person reads them."""
        return f"{self.message} {self.remedy}".strip()


@dataclass(frozen=True)
class Outcome:
    """What became of one node in one invocation.

    Attributes:
        unique_id: dbt's id of the node.
        status: dbt's own status, or `interrupted`, or `not started`.
        message: dbt's message, if it gave one.
        execution_time: Seconds that the node took.
        batch_results: `successful` and `failed` batches of a microbatch model, as artifacts write them.
        overload_results: The same for the overloads of a function (dbt-core 1.12).
        row: The whole row of `run_results.json`, where one exists.
    """

    unique_id: str
    status: str
    message: str | None = None
    execution_time: float = 0.0
    batch_results: Mapping[str, Any] | None = None
    overload_results: Mapping[str, Any] | None = None
    row: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)

    @property
    def proven(self) -> bool:
        """Whether the node needs no retry (warnings count as proven)."""
        return self.status in PROVEN_STATUSES

    @property
    def is_hook(self) -> bool:
        """Whether this is an on-run-start or on-run-end hook, or a run-operation's macro."""
        return self.unique_id.startswith("operation.")


@dataclass(frozen=True)
class Invocation:
    """One execution of a dbt command: its arguments, its selection and its outcomes.

    Attributes:
        invocation_id: dbt's id of it.
        command: dbt's `which`: `build`, `run-operation`, `generate` for `docs generate`, and so on.
        arguments: The resolved arguments as dbt records them.
        outcomes: Outcome by unique_id.
        started_at: When it began (UTC), if known.
        selection_complete: Whether `outcomes` names every selected node.
        expected_nodes: How many nodes dbt announced, where that was recorded.
        source: Where this was read from, for messages.
        dbt_version: The dbt-core version that ran it.
        retry_of: The invocation that this one retried.
    """

    invocation_id: str
    command: str
    arguments: Mapping[str, Any]
    outcomes: Mapping[str, Outcome]
    source: str
    started_at: datetime | None = None
    selection_complete: bool = True
    expected_nodes: int | None = None
    dbt_version: str | None = None
    retry_of: str | None = None

    @property
    def command_line_name(self) -> str:
        """The command as a person types it, for instance `docs generate`."""
        return COMMAND_NAMES.get(self.command, self.command)

    @property
    def short_id(self) -> str:
        """Enough of the invocation_id to name it to a person."""
        return self.invocation_id[:8]


COMMAND_NAMES: Mapping[str, str] = MappingProxyType({"generate": "docs generate", "freshness": "source freshness"})
"""dbt's `which` to what a person types, where the two differ."""

RETRYABLE_COMMANDS = frozenset(
    {
        "build",
        "clone",
        "compile",
        "freshness",
        "generate",
        "run",
        "run-operation",
        "seed",
        "snapshot",
        "test",
    }
)
"""dbt's `which` of every command that executes nodes."""


@dataclass(frozen=True)
class Chain:
    """An invocation and the retries of it, oldest first, folded into one set of outcomes.

    Attributes:
        invocations: At least one, oldest first.
        outcomes: The newest outcome of every node that any of them names.
    """

    invocations: tuple[Invocation, ...]
    outcomes: Mapping[str, Outcome]

    @property
    def original(self) -> Invocation:
        """The invocation that was not a retry: its arguments and selection are the chain's."""
        return self.invocations[0]

    @property
    def latest(self) -> Invocation:
        """The newest link."""
        return self.invocations[-1]


@dataclass(frozen=True)
class PlannedNode:
    """A node of the retry set.

    Attributes:
        unique_id: dbt's id of the node.
        reason: Why it runs.
        cause: The unique_id of the node that brought it in, if another did.
        previous_status: Its status in the chain, if it has one.
    """

    unique_id: str
    reason: Reason
    cause: str | None = None
    previous_status: str | None = None


@dataclass(frozen=True)
class Plan:
    """What a retry will do.

    Attributes:
        nodes: The retry set, by unique_id, hooks excluded.
        hooks: Failed hooks that run again with the command.
        proven: unique_ids of selected nodes that stay as they are.
        findings: What was noticed while planning.
    """

    nodes: Mapping[str, PlannedNode]
    hooks: tuple[PlannedNode, ...] = ()
    proven: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to retry."""
        return not self.nodes and not self.hooks


@dataclass(frozen=True)
class EffectiveArguments:
    """The arguments that a retry runs with, and where each came from.

    Attributes:
        command: dbt's `which` of the retried command.
        values: Argument by its dbt name.
        sources: `recorded`, `command line` or `merged`, by the same names.
    """

    command: str
    values: Mapping[str, Any]
    sources: Mapping[str, str]
