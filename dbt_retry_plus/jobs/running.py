"""Running what is planned of a job, with each step on record as it starts and as it ends."""

from __future__ import annotations

import getpass
import os
import shlex
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

import dbt_retry_plus
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.jobs.definition import DBT, Step
from dbt_retry_plus.jobs.definition_record import definition_record, lines_of
from dbt_retry_plus.jobs.job_ledger import JobLedger
from dbt_retry_plus.jobs.place import JobPlace
from dbt_retry_plus.jobs.planning import JobPlan
from dbt_retry_plus.jobs.process import Ended, Stopping, run_step_process
from dbt_retry_plus.jobs.record import RUN, SCHEMA, JobRun, Status, run_of, step_tag
from dbt_retry_plus.jobs.sharing import Sharing
from dbt_retry_plus.ledger import journal
from dbt_retry_plus.ledger.journal import JournalWriter, encode
from dbt_retry_plus.ledger.local import LedgerEntry
from dbt_retry_plus.ledger.summary import summary_of
from dbt_retry_plus.recording.lines import Lines
from dbt_retry_plus.texts import printable
from dbt_retry_plus.words import JOB_STEP_VARIABLE

# What the record finds runs and steps by stays as it is, whatever a secret is.
_NAMES = "event schema run_id job at started_at rerun_of beginning status definition resumes invocation_id counts"
_KEPT = frozenset(_NAMES.split())


@dataclass
class JobExecution:
    """One run of a job.

    Attributes:
        run_id: Its id.
        plan: What it is to do.
        place: Where it works.
        ledger: Where it is recorded.
        output: Where the output of dbt goes instead of standard output.
        say: Tells a person what is going on.
        sharing: Lets other machines know of it, where the ledger is in a store.
    """

    run_id: str
    plan: JobPlan
    place: JobPlace
    ledger: JobLedger
    output: IO[str] | None
    say: Callable[[str], None]
    sharing: Sharing | None = None
    _entries: list[Mapping[str, Any]] = field(default_factory=list)
    _stopping: Stopping = field(default_factory=Stopping)

    def run(self) -> JobRun:
        """Run the steps until one fails.

        Raises:
            RetryRefusedError: The ledger cannot be written, so that nothing was run.
        """
        lines = lines_of(self.plan.job, self.place.environment_of(self.plan.job))
        head = self._head(lines)
        self._entries.append(head)
        try:
            writer = self.ledger.begin(self.run_id, encode(head))
        except OSError as error:
            raise RetryRefusedError(
                f"Could not write to the ledger in '{self.ledger.folder}': {error.strerror}. Make it writable."
            ) from None
        began = time.monotonic()
        record = _Record(writer, lines, self._entries, self.say, self.sharing.note if self.sharing else _nothing)
        if self.sharing:
            self.sharing.start(run_of(self._entries))
            self.sharing.note()
        status = Status.INTERRUPTED
        try:
            with self._stopping.heard():
                status = self._run_steps(record)
        finally:
            end = {"event": journal.END, "at": journal.now(), "status": status.value}
            record.write({**end, "duration": time.monotonic() - began})
            writer.close()
        return run_of(self._entries)

    def _head(self, lines: Lines) -> dict[str, Any]:
        plan = self.plan
        user = None
        with suppress(KeyError, OSError, ImportError):  # a container's user may have no name
            user = getpass.getuser()
        head = {
            "event": RUN,
            "schema": SCHEMA,
            "run_id": self.run_id,
            "job": plan.job.name,
            "started_at": journal.now(),
            "rerun_of": plan.rerun_of,
            "beginning": plan.beginning.value,
            "first": plan.first,
            "resumes": plan.resumes,
            "definition": definition_record(plan.job, lines, self.run_id),
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "user": user,
            "retry_plus_version": dbt_retry_plus.__version__,
        }
        return lines.without_secrets(head, _KEPT)

    def _run_steps(self, record: _Record) -> Status:
        for number, step in self.plan.steps:
            if self._stopping.asked_for is not None:
                return Status.CANCELLED
            status = self._run_step(number, step, record)
            if status is not Status.SUCCESS:
                return Status.CANCELLED if status is Status.CANCELLED else Status.ERROR
        return Status.SUCCESS

    def _run_step(self, number: int, step: Step, record: _Record) -> Status:
        """Try a step as often as it may be tried."""
        status = Status.NOT_STARTED
        for attempt in range(1, step.attempts + 1):
            resumed = self._resumed(number, step)
            arguments = resuming(step, resumed) if resumed else step.arguments
            command = shlex.join([DBT, *arguments]) if resumed else step.command
            again = f", attempt {attempt} of {step.attempts}" if attempt > 1 else ""
            self.say(f"Step {number + 1} of {len(self.plan.job.steps)}{again}: {printable(command)}")
            start = {"event": journal.START, "at": journal.now(), "step": number, "command": command}
            record.write({**start, "resumes": resumed})
            ended = self._run_process(arguments, number, step)
            status = self._status_of(ended)
            entry = self._invocation_of(number, step)
            finish = {"event": journal.FINISH, "at": journal.now(), "step": number, "status": status.value}
            done = {"exit_code": ended.exit_code, "duration": ended.duration}
            record.write({**finish, **done, **_told_of(entry, resumed)})
            if status in (Status.SUCCESS, Status.CANCELLED):
                return status
        return status

    def _resumed(self, number: int, step: Step) -> str | None:
        """The invocation to resume: that of this run, or that of the run before; a run is begun anew without one."""
        entry = self._invocation_of(number, step)
        return entry.invocation_id if entry else self.plan.resumes if number == self.plan.first else None

    def _invocation_of(self, number: int, step: Step) -> LedgerEntry | None:
        return self.ledger.invocation_of(self.run_id, number, self.place.ledger_of(self.plan.job, step))

    def _run_process(self, arguments: tuple[str, ...], number: int, step: Step) -> Ended:
        environment = self.place.environment_of(self.plan.job)
        try:
            return run_step_process(
                arguments,
                self.ledger.step_lock(self.plan.job.name),
                folder=self.place.root,
                environment={**environment, JOB_STEP_VARIABLE: step_tag(self.run_id, number)},
                timeout=step.timeout,
                output=self.output,
                stopping=self._stopping,
            )
        except (OSError, ValueError) as error:  # no memory, or an argument with a null in it
            self.say(f"dbt could not be started: {error}.")
            return Ended(2, 0.0, timed_out=False)

    def _status_of(self, ended: Ended) -> Status:
        if ended.exit_code == 0:
            return Status.SUCCESS  # it may have been just done when it was to stop
        if self._stopping.asked_for is not None:
            return Status.CANCELLED
        return Status.TIMED_OUT if ended.timed_out else Status.ERROR


@dataclass
class _Record:
    """Writes the journal of a run; a full disk ends the record, with one warning, and not the job."""

    writer: JournalWriter
    lines: Lines
    entries: list[Mapping[str, Any]]
    say: Callable[[str], None]
    noted: Callable[[], None]
    writing: bool = True

    def write(self, entry: Mapping[str, Any]) -> None:
        plain = self.lines.without_secrets(entry, _KEPT)
        self.entries.append(plain)
        if not self.writing:
            return
        try:
            self.writer.append(encode(plain))
            self.noted()
        except OSError as error:
            self.writing = False
            self.say(f"This run is not recorded any further: {error.strerror}.")


def _nothing() -> None:
    """There is no other machine to be told."""


def resuming(step: Step, invocation_id: str) -> tuple[str, ...]:
    """Return the arguments of dbt by which a step is resumed from where an invocation of it stopped."""
    paths = [word for option in step.path_options.items() for word in option]
    return "retry-plus", "--invocation", invocation_id, "--expect-invocation", invocation_id, *paths


def exit_code_of(run: JobRun) -> int:
    """Return the exit code of a run: 0 when all steps are done, else what dbt gave the last one, or 1."""
    if run.status is Status.SUCCESS:
        return 0
    latest = next((step.latest for step in reversed(run.steps) if step.latest), None)
    could_not_run = latest is not None and latest.status is Status.ERROR and latest.exit_code == 2
    return 2 if could_not_run else 1


def _told_of(entry: LedgerEntry | None, resumed: str | None) -> dict[str, Any]:
    """What the journal keeps of the invocation of a try; a retry that was refused has none of its own."""
    if entry is None or entry.invocation_id == resumed:
        return {"invocation_id": None}
    try:
        return {"invocation_id": entry.invocation_id, "counts": dict(summary_of(entry).counts)}
    except RetryRefusedError:
        return {"invocation_id": entry.invocation_id}
