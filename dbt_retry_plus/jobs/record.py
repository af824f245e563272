"""What became of one run of a job, from the lines of its journal. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final

from dbt_retry_plus.ledger import journal
from dbt_retry_plus.ledger.run_results import parse_time, text_or_none
from dbt_retry_plus.words import SHORT_ID_LENGTH

SCHEMA: Final = "dbt-retry-plus/job-journal/v1"
RUN: Final = "job"
"""The kind of the first line; those that follow are a step's start and finish, and the end."""


class Status(str, Enum):
    """What became of a run, of a step, or of a try of it."""

    SUCCESS = "success"
    ERROR = "error"
    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    SKIPPED = "skipped"
    NOT_STARTED = "not started"
    DONE_BEFORE = "done before"
    RUNNING = "running"


DONE = frozenset({Status.SUCCESS, Status.DONE_BEFORE})
RESUMABLE = frozenset({Status.ERROR, Status.INTERRUPTED, Status.CANCELLED})
"""The statuses of a run that can be resumed."""


class Beginning(str, Enum):
    """Where a rerun begins."""

    START = "start"
    FAILURE = "failure"


@dataclass(frozen=True)
class Try:
    """One try of a step.

    Attributes:
        command: What ran, as a person types it.
        status: What became of it.
        started_at: When it began (UTC).
        resumed: The invocation that it resumed.
        exit_code: dbt's; negative where a signal ended it.
        duration: Seconds.
        invocation_id: Its invocation, where dbt came to record one.
        counts: The nodes of that invocation by outcome, in the words of dbt's own closing line.
    """

    command: str
    status: Status
    started_at: datetime | None
    resumed: str | None = None
    exit_code: int | None = None
    duration: float | None = None
    invocation_id: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class StepRun:
    """One step in one run.

    Attributes:
        name: Its name.
        command: Its command as it was written.
        status: What became of it.
        tries: Those of this run, oldest first.
    """

    name: str
    command: str
    status: Status
    tries: tuple[Try, ...] = ()

    @property
    def duration(self) -> float | None:
        """Seconds that its tries took together."""
        known = [each.duration for each in self.tries if each.duration is not None]
        return sum(known) if known else None

    @property
    def latest(self) -> Try | None:
        """Its last try."""
        return self.tries[-1] if self.tries else None

    @property
    def invocation_id(self) -> str | None:
        """The newest invocation of it in this run."""
        return next((each.invocation_id for each in reversed(self.tries) if each.invocation_id), None)


@dataclass(frozen=True)
class JobRun:
    """One run of a job.

    Attributes:
        run_id: Its id.
        job: The name of the job.
        status: What became of it, or what it is doing.
        steps: All steps of the job as it was defined then.
        definition: The definition as the journal has it.
        started_at: When it began (UTC).
        duration: Seconds, where it came to its end.
        first: The number of the step that it began with, counted from 0.
        resumes: The invocation that the first step resumes.
        rerun_of: The run that this one is a rerun of.
        beginning: Where that rerun began.
        ended: Whether it came to its end.
        process_id: Its process.
        host: The machine of that process.
        user: Who started it.
    """

    run_id: str
    job: str
    status: Status
    steps: tuple[StepRun, ...]
    definition: Mapping[str, Any]
    started_at: datetime | None
    duration: float | None
    first: int
    resumes: str | None
    rerun_of: str | None
    beginning: Beginning
    ended: bool
    process_id: int | None
    host: str | None
    user: str | None

    @property
    def short_id(self) -> str:
        """Enough of the id to name it to a person."""
        return self.run_id[:SHORT_ID_LENGTH]

    @property
    def resume_at(self) -> int | None:
        """The number, counted from 0, of the first step that is not done."""
        return next((number for number, step in enumerate(self.steps) if step.status not in DONE), None)


def step_tag(run_id: str, number: int) -> str:
    """Return what the invocations of a step, counted from 0, have on record to be found by."""
    return f"{run_id}/{number + 1}"


def run_of(entries: Sequence[Mapping[str, Any]], *, running: bool = False) -> JobRun:
    """Read a run from its journal.

    Args:
        entries: The lines, the first one first.
        running: Whether the process of the run is alive.

    Raises:
        KeyError, TypeError, ValueError: The first line is not that of a run.
    """
    head = entries[0]
    definition = head["definition"]
    end = next((entry for entry in entries if entry["event"] == journal.END), None)
    first = int(head["first"])
    tries = _tries(entries, running=running)
    steps = tuple(
        _step_run(step, tries.get(number, ()), number < first, stopped=end is not None)
        for number, step in enumerate(definition["steps"])
    )
    unended = Status.RUNNING if running else Status.INTERRUPTED
    return JobRun(
        run_id=str(head["run_id"]),
        job=str(head["job"]),
        status=Status(end["status"]) if end else unended,
        steps=steps,
        definition=definition,
        started_at=parse_time(head.get("started_at")),
        duration=float(end["duration"]) if end else None,
        first=first,
        resumes=head.get("resumes"),
        rerun_of=head.get("rerun_of"),
        beginning=Beginning(head.get("beginning", Beginning.START.value)),
        ended=end is not None,
        process_id=head.get("pid"),
        host=head.get("host"),
        user=head.get("user"),
    )


def _tries(entries: Iterable[Mapping[str, Any]], *, running: bool) -> dict[int, list[Try]]:
    found: dict[int, list[Try]] = {}
    for entry in entries:
        if entry["event"] == journal.START:
            status = Status.RUNNING if running else Status.INTERRUPTED
            begun = Try(str(entry["command"]), status, parse_time(entry.get("at")), text_or_none(entry.get("resumes")))
            found.setdefault(int(entry["step"]), []).append(begun)
        elif entry["event"] == journal.FINISH:
            tries = found[int(entry["step"])]
            tries[-1] = Try(
                command=tries[-1].command,
                status=Status(entry["status"]),
                started_at=tries[-1].started_at,
                resumed=tries[-1].resumed,
                exit_code=entry.get("exit_code"),
                duration=entry.get("duration"),
                invocation_id=text_or_none(entry.get("invocation_id")),
                counts=entry.get("counts") or {},
            )
    return found


def _step_run(step: Mapping[str, Any], tries: Sequence[Try], before: bool, *, stopped: bool) -> StepRun:
    if before:
        status = Status.DONE_BEFORE
    elif tries:
        status = tries[-1].status
    else:
        status = Status.SKIPPED if stopped else Status.NOT_STARTED
    return StepRun(str(step["name"]), str(step["command"]), status, tuple(tries))
