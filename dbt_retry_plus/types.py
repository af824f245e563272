"""The frozen values that travel from the ledger through planning to execution and the reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dbt_retry_plus.words import (
    COMMAND_NAMES,
    COMMANDS_WITH_HOOK_NODES,
    EPHEMERAL,
    PROVEN_STATUSES,
    SHORT_ID_LENGTH,
    Reason,
    Severity,
)


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
        finished_batches: The starts of the batches that are on record as done, where the model was interrupted.
        batches_announced: How many batches it was divided into then.
        row: The whole row of `run_results.json`, where one exists.
    """

    unique_id: str
    status: str
    message: str | None = None
    execution_time: float = 0.0
    batch_results: Mapping[str, Any] | None = None
    overload_results: Mapping[str, Any] | None = None
    finished_batches: tuple[str, ...] = ()
    batches_announced: int | None = None
    row: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)

    @property
    def proven(self) -> bool:
        """Whether the node needs no retry (warnings count as proven)."""
        return self.status in PROVEN_STATUSES

    @property
    def ephemeral(self) -> bool:
        """Whether this is an ephemeral model, which dbt compiles, and neither counts nor reports."""
        return bool(self.row and self.row.get(EPHEMERAL))

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
        outcomes: Outcome by unique_id; a node that it started and never finished is `interrupted`.
        source: Where this was read from, for messages.
        started_at: When it began (UTC), if known.
        duration: Seconds from its beginning to its end, where it came to one.
        ended: Whether dbt came to the end of its nodes: it was neither killed nor interrupted.
        succeeded: What dbt said of the whole command; None where it did not come to say it.
        error: What ended it, where that was no node.
        selection: The nodes it set out to run, where that was recorded (`build` leaves unit tests out).
        whole_selection: For a retry: the nodes of the original selection, all of them, as it resolved them.
        expected_nodes: How many nodes dbt announced (`build` leaves unit tests out), where that was recorded.
        recorded: Whether a journal tells of it, or dbt's own artifacts alone.
        fingerprint: What tells whether the project is still the same, where that was recorded.
        dbt_version: The dbt-core version that ran it.
        project: Its project, where that was recorded.
        profile: Its profile, where that was recorded.
        target: Its target, where that was recorded.
        host: The machine that it ran on, where that was recorded.
        process_id: Its process on that machine.
        retry_of: The invocation that this one retried.
    """

    invocation_id: str
    command: str
    arguments: Mapping[str, Any]
    outcomes: Mapping[str, Outcome]
    source: str
    started_at: datetime | None = None
    duration: float | None = None
    ended: bool = True
    succeeded: bool | None = None
    error: str | None = None
    selection: frozenset[str] | None = None
    whole_selection: frozenset[str] | None = None
    expected_nodes: int | None = None
    recorded: bool = False
    fingerprint: str | None = None
    dbt_version: str | None = None
    project: str | None = None
    profile: str | None = None
    target: str | None = None
    host: str | None = None
    process_id: int | None = None
    retry_of: str | None = None

    @property
    def command_line_name(self) -> str:
        """The command as a person types it, for instance `docs generate`."""
        return COMMAND_NAMES.get(self.command, self.command)

    @property
    def short_id(self) -> str:
        """Enough of the invocation_id to name it to a person."""
        return self.invocation_id[:SHORT_ID_LENGTH]

    @property
    def tells_all(self) -> bool:
        """Whether `outcomes` is known to name every selected node."""
        if not (self.ended and self.recorded):
            return False
        if self.command == "build" and not all(outcome.proven for outcome in self.outcomes.values()):
            # dbt keeps unit tests apart, and skips them in silence with --fail-fast or after a failed hook.
            return False
        announced = (outcome for outcome in self.outcomes.values() if not self._is_extra(outcome))
        return self.expected_nodes is None or sum(1 for _ in announced) >= self.expected_nodes

    def _is_extra(self, outcome: Outcome) -> bool:
        """Whether dbt leaves a node out of the number that it announces; where it only compiles, hooks are in it."""
        if outcome.is_hook:
            return self.command not in COMMANDS_WITH_HOOK_NODES
        return outcome.ephemeral or (self.command == "build" and outcome.unique_id.startswith("unit_test."))


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

    @property
    def tells_all(self) -> bool:
        """Whether `outcomes` is known to name every node of the original selection."""
        return self.original.tells_all or any(link.whole_selection is not None for link in self.invocations)


@dataclass(frozen=True)
class GraphNode:
    """A node of today's project, as far as planning needs it.

    Attributes:
        unique_id: dbt's id of the node.
        resource_type: dbt's resource type, for instance `model` or `unit_test`.
        parents: The nodes that it depends on.
        ephemeral: Whether it is compiled into its children and never run itself.
    """

    unique_id: str
    resource_type: str
    parents: tuple[str, ...] = ()
    ephemeral: bool = False


Graph = Mapping[str, GraphNode]
"""Today's project: every enabled node by its unique_id, hooks included."""


@dataclass(frozen=True)
class StateComparison:
    """What is different today from when the nodes of a chain were last run, by dbt's own `state:modified` rules.

    Attributes:
        modified: Node to the parts of it that changed: `body`, `configs`, `relation`, `persisted_descriptions`,
            `macros`, `contract`, and `inputs` where only a source or an ephemeral model in its SQL changed; empty
            where dbt says modified without saying what.
        added: Nodes of today's project that it did not have then.
        removed: Nodes that it had then and has no more.
        renamed: Node that it had then to the new one with the same content.
        added_parents: Node to those of its parents that it did not depend on then.
        unknown: Nodes whose earlier code is not on record.
    """

    modified: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)
    added_parents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()


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
        left_out: Nodes that the retry set should hold and the user, or a plugin, has taken out of it.
        findings: What was noticed while planning.
    """

    nodes: Mapping[str, PlannedNode]
    hooks: tuple[PlannedNode, ...] = ()
    proven: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
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
