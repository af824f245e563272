"""The account of a whole retry, or of a command with attempts, which every format is rendered from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dbt_retry_plus.types.plan import EffectiveArguments, Finding
from dbt_retry_plus.words import SHORT_ID_LENGTH, UNPROVEN_FATES, ErrorClass, Fate, Reason, Verdict


@dataclass(frozen=True)
class Attempt:
    """One execution of one node.

    Attributes:
        status: dbt's status of it, or `interrupted`.
        message: dbt's message, if it gave one.
        execution_time: Seconds that it took.
        thread: The name of the thread that it ran in, where that is known.
        started_at: When it began (UTC), where that is known.
        completed_at: When it was done (UTC), where that is known.
        error_class: What the error is taken for that ended it, where attempts were counted.
        batch: The batch of a microbatch model that this was an attempt of.
    """

    status: str
    message: str | None = None
    execution_time: float = 0.0
    thread: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    error_class: ErrorClass | None = None
    batch: str | None = None


@dataclass(frozen=True)
class ReportedNode:
    """A node of the selection, before and after the retry.

    Attributes:
        unique_id: dbt's id of the node.
        fate: What the retry made of it.
        status: Its status after the retry.
        previous_status: Its status before, if it had one.
        previous_message: dbt's message then, where it was not proven.
        previous_execution_time: Seconds that it took then.
        reason: Why it was in the retry set; None where it was not.
        cause: The unique_id of the node that brought it in, if another did.
        attempts: What was executed of it, oldest first.
        parents: Nodes of the report that it reads or tests, for those in the retry set.
        compiled_path: The file with its compiled SQL, from the project folder, where there is one.
        flaky_before: In how many earlier invocations of the last week more than one attempt was needed to prove it,
            where that was so in this one.
    """

    unique_id: str
    fate: Fate
    status: str
    previous_status: str | None = None
    previous_message: str | None = None
    previous_execution_time: float = 0.0
    reason: Reason | None = None
    cause: str | None = None
    attempts: tuple[Attempt, ...] = ()
    parents: tuple[str, ...] = ()
    compiled_path: str | None = None
    flaky_before: int = 0

    @property
    def resource_type(self) -> str:
        """Dbt's resource type: `model`, `unit_test`, `operation` for a hook or a macro."""
        return self.unique_id.partition(".")[0]

    @property
    def name(self) -> str:
        """Its id without resource type and package; the package stays where there is nothing else."""
        return self.unique_id.split(".", 2)[-1]

    @property
    def message(self) -> str | None:
        """What dbt said of it last."""
        return self.attempts[-1].message if self.attempts else None

    @property
    def flaky(self) -> bool:
        """Whether it is proven, and was not on the first attempt."""
        return len(self.attempts) > 1 and self.fate in {Fate.RECOVERED, Fate.REBUILT}

    @property
    def error_class(self) -> ErrorClass | None:
        """What its last error is taken for."""
        return self.attempts[-1].error_class if self.attempts else None

    @property
    def execution_time(self) -> float:
        """Seconds that all of its attempts took."""
        return sum(attempt.execution_time for attempt in self.attempts)


@dataclass(frozen=True)
class ReportedLink:
    """An invocation of the chain that was retried.

    Attributes:
        invocation_id: dbt's id of it.
        started_at: When it began (UTC), if known.
        duration: Seconds that it took, where it came to an end.
        succeeded: What dbt said of it; None where it did not come to say it.
    """

    invocation_id: str
    started_at: datetime | None = None
    duration: float | None = None
    succeeded: bool | None = None

    @property
    def short_id(self) -> str:
        """Enough of the invocation_id to name it to a person."""
        return self.invocation_id[:SHORT_ID_LENGTH]


@dataclass(frozen=True, kw_only=True)
class RetryReport:
    """The account of a whole retry, or of a command with attempts; no secret that dbt strikes out of its log is in it.

    Attributes:
        verdict: What it came to.
        invocation_id: dbt's id of the retry.
        chain: What was retried, oldest first, the retry itself not included; empty of a command that retried nothing.
        arguments: What it ran with, and where each argument came from.
        message: Why it was refused, or what ended it where that was no node.
        findings: What the checks said before it ran.
        nodes: The retry set and what was left out of it, hooks included, then what was proven before; of a command that
            retried nothing, its selection and hooks.
        started_at: When it began (UTC), if known.
        duration: Seconds that it took, where it came to an end.
        seconds_saved: The recorded time of what did not run again.
        dbt_version: The version of dbt-core.
        project: The project.
        profile: The profile.
        target: The target.
    """

    verdict: Verdict
    invocation_id: str
    chain: tuple[ReportedLink, ...]
    arguments: EffectiveArguments
    message: str | None = None
    findings: tuple[Finding, ...] = ()
    nodes: tuple[ReportedNode, ...] = ()
    started_at: datetime | None = None
    duration: float | None = None
    seconds_saved: float = 0.0
    dbt_version: str | None = None
    project: str | None = None
    profile: str | None = None
    target: str | None = None

    @property
    def short_id(self) -> str:
        """Enough of the invocation_id to name it to a person."""
        return self.invocation_id[:SHORT_ID_LENGTH]

    @property
    def counts(self) -> Mapping[Fate, int]:
        """How many nodes met each fate, in the order of `Fate`; those that none met are not there."""
        found = Counter(node.fate for node in self.nodes)
        return {fate: found[fate] for fate in Fate if found[fate]}

    @property
    def unproven(self) -> tuple[ReportedNode, ...]:
        """The nodes that keep the retry from being green, those that were left out not included."""
        return tuple(node for node in self.nodes if node.fate in UNPROVEN_FATES)

    def with_fate(self, *fates: Fate) -> tuple[ReportedNode, ...]:
        """Return the nodes that met one of these fates."""
        return tuple(node for node in self.nodes if node.fate in fates)


@dataclass(frozen=True)
class ReportFormat:
    """A format of reports.

    Attributes:
        name: What `--report` and `--format` call it.
        suffix: How the names of its files end, for instance `.html`.
        render: Makes the document. Names, messages and arguments in a report are untrusted text: it has to escape
            them as its format demands.
    """

    name: str
    suffix: str
    render: Callable[[RetryReport], str] = field(repr=False)
