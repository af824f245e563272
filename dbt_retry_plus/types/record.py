"""What was recorded: invocations, their outcomes, and the chains that they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dbt_retry_plus.commands import BUILD, COMMAND_NAMES, COMMANDS_WITH_HOOK_NODES
from dbt_retry_plus.types.attempts import EndedAttempt
from dbt_retry_plus.words import EPHEMERAL, PROVEN_STATUSES, SHORT_ID_LENGTH


@dataclass(frozen=True)
class Place:
    """Where a command reads and writes, and with what; None where that is not known.

    Attributes:
        profile: The profile.
        target: The target in it.
        adapter: The type of the target's adapter, for instance `postgres`.
        schema: The schema that the target writes to unless a node says otherwise.
        dbt_version: The version of dbt-core.
        adapter_version: The version of the adapter's package.
    """

    profile: str | None = None
    target: str | None = None
    adapter: str | None = None
    schema: str | None = None
    dbt_version: str | None = None
    adapter_version: str | None = None


@dataclass(frozen=True)
class ProjectInputs:
    """What can tell later what a project was parsed with.

    Attributes:
        environment: The environment variables that it reads, each with a salted digest of its value.
        packages: The installed packages, the project itself among them, each with the checksum of its settings.
        variables: The vars of `dbt_project.yml`, each with a salted digest of its value.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


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
        inputs: What tells which environment variables and packages are others now, where that was recorded.
        dbt_version: The dbt-core version that ran it.
        project: Its project, where that was recorded.
        profile: Its profile, where that was recorded.
        target: Its target, where that was recorded.
        adapter: The type of the target's adapter, where that was recorded.
        adapter_version: The version of that adapter's package.
        schema: The schema that the target writes to unless a node says otherwise.
        host: The machine that it ran on, where that was recorded.
        process_id: Its process on that machine.
        retry_of: The invocation that this one retried.
        failed_attempts: The attempts of nodes that failed, oldest first, where attempts were counted.
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
    inputs: ProjectInputs | None = None
    dbt_version: str | None = None
    project: str | None = None
    profile: str | None = None
    target: str | None = None
    adapter: str | None = None
    adapter_version: str | None = None
    schema: str | None = None
    host: str | None = None
    process_id: int | None = None
    retry_of: str | None = None
    failed_attempts: Mapping[str, tuple[EndedAttempt, ...]] = field(default_factory=dict)

    @property
    def command_line_name(self) -> str:
        """The command as a person types it, for instance `docs generate`."""
        return COMMAND_NAMES.get(self.command, self.command)

    @property
    def short_id(self) -> str:
        """Enough of the invocation_id to name it to a person."""
        return self.invocation_id[:SHORT_ID_LENGTH]

    @property
    def title(self) -> str:
        """What messages call it: its command and its short id."""
        return f"`dbt {self.command_line_name}` ({self.short_id})"

    @property
    def place(self) -> Place:
        """Where it ran, as far as that was recorded."""
        return Place(self.profile, self.target, self.adapter, self.schema, self.dbt_version, self.adapter_version)

    @property
    def tells_all(self) -> bool:
        """Whether `outcomes` is known to name every selected node."""
        if not (self.ended and self.recorded):
            return False
        if self.command == BUILD and not all(outcome.proven for outcome in self.outcomes.values()):
            # dbt keeps unit tests apart, and skips them in silence with --fail-fast or after a failed hook.
            return False
        announced = (outcome for outcome in self.outcomes.values() if not self._is_extra(outcome))
        return self.expected_nodes is None or sum(1 for _ in announced) >= self.expected_nodes

    def _is_extra(self, outcome: Outcome) -> bool:
        """Whether dbt leaves a node out of the number that it announces; where it only compiles, hooks are in it."""
        if outcome.is_hook:
            return self.command not in COMMANDS_WITH_HOOK_NODES
        return outcome.ephemeral or (self.command == BUILD and outcome.unique_id.startswith("unit_test."))


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
