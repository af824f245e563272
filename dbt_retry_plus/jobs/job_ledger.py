"""The runs of jobs on the ledger: `<ledger>/jobs/<run_id>/journal.jsonl`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.jobs.record import SCHEMA, JobRun, StepRun, run_of, step_tag
from dbt_retry_plus.ledger.files import write_atomically
from dbt_retry_plus.ledger.journal import JOURNAL, OWNER_ONLY_FILE, JournalWriter, read_entries
from dbt_retry_plus.ledger.local import LedgerEntry, LocalLedger
from dbt_retry_plus.ledger.lock import is_held, only_holder

JOBS = "jobs"
_RUNNING, _FETCHED = "running", "fetched"
_UNFINISHED, _DISCARDED = ".new-", ".old-"
_OWNER_ONLY_FOLDER = 0o700


@dataclass(frozen=True)
class JobLedger:
    """Reads and writes the runs of jobs.

    Attributes:
        ledger: The ledger that they are on, with the invocations of their steps.
        alive: Runs that other machines say they are working on.
    """

    ledger: LocalLedger
    alive: frozenset[str] = frozenset()

    @property
    def folder(self) -> Path:
        """Where the runs are."""
        return self.ledger.folder / JOBS

    def step_lock(self, job: str) -> Path:
        """Return the file that the process of a step of a job locks as long as it lives."""
        return self.folder / _RUNNING / f"{job}.step.lock"

    def begin(self, run_id: str, first_line: str) -> JournalWriter:
        """Begin the record of a run; it appears on the ledger with its first line in place.

        Raises:
            OSError: The ledger cannot be written.
        """
        self.folder.mkdir(mode=_OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
        unfinished = self.folder / f"{_UNFINISHED}{run_id}"
        unfinished.mkdir(mode=_OWNER_ONLY_FOLDER)
        journal = JournalWriter(unfinished / JOURNAL)
        try:
            journal.append(first_line)
            unfinished.rename(self.folder / run_id)
        except BaseException:
            journal.close()
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        return journal

    def put(self, run_id: str, journal: bytes, changed: float) -> None:
        """Put the record of a run of another machine's on the ledger, in place of an older copy of it.

        Args:
            run_id: The run.
            journal: Its journal.
            changed: When that was last written to, in seconds since 1970.

        Raises:
            OSError: The ledger cannot be written.
        """
        folder = self.folder / run_id
        folder.mkdir(mode=_OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
        (folder / _FETCHED).touch(OWNER_ONLY_FILE)
        write_atomically(folder / JOURNAL, lambda file: file.write(journal))
        os.utime(folder / JOURNAL, (changed, changed))

    def made_here(self, run_id: str) -> bool:
        """Whether a run was made on this machine."""
        folder = self.folder / run_id
        return folder.is_dir() and not (folder / _FETCHED).exists()

    def runs(self, *, held: str | None = None) -> list[JobRun]:
        """Return all runs, oldest first; folders of other origin are passed over.

        Args:
            held: The job whose lock this process holds: no run of it is running.

        Raises:
            RetryRefusedError: The newest one cannot be read, or a newer version of this package wrote one.
        """
        found: list[JobRun] = []
        damaged: list[Path] = []
        for folder in self._folders():
            run = self._read(folder, running=False)
            if run is not None:
                found.append(run)
            elif (folder / JOURNAL).exists():
                damaged.append(folder)
        found.sort(key=lambda run: (run.started_at.timestamp() if run.started_at else 0, run.run_id))
        self._refuse_damaged_newest(damaged, found)
        newest = {run.job: run.run_id for run in found}  # of the runs of a job, no other can be running
        return [self._as_of_now(run, held) if newest[run.job] == run.run_id else run for run in found]

    @contextmanager
    def only_run(self, job: str) -> Iterator[None]:
        """Let one run of a job run at a time.

        Raises:
            RetryRefusedError: Another one is running, or a step of one that was killed; or the ledger cannot be
                written.
        """
        with only_holder(self.folder / _RUNNING, job, f"Another run of the job {job!r}"):
            if is_held(self.step_lock(job)):
                raise RetryRefusedError(
                    f"A step of a run of the job {job!r} that was killed is still running. "
                    "Wait until dbt has cancelled its queries."
                )
            yield

    def invocation_of(self, run_id: str, number: int, ledger: LocalLedger | None) -> LedgerEntry | None:
        """Return the newest invocation of a step; None where none is on record.

        Args:
            run_id: The run.
            number: The number of the step, counted from 0.
            ledger: The ledger that the step records on.
        """
        try:
            entries = ledger.entries() if ledger else []
        except RetryRefusedError:
            return None  # what cannot be read cannot be resumed: the step runs from its start
        tag = step_tag(run_id, number)
        return next((entry for entry in reversed(entries) if entry.header.get("job_step") == tag), None)

    def prune(self, most: int) -> None:
        """Discard the oldest runs until as many are left as may be."""
        for folder in self.folder.glob(f"{_DISCARDED}*"):
            shutil.rmtree(folder, ignore_errors=True)
        for run in self.runs()[:-most]:
            discarded = (self.folder / run.run_id).rename(self.folder / f"{_DISCARDED}{run.run_id}")
            shutil.rmtree(discarded, ignore_errors=True)

    def _folders(self) -> list[Path]:
        try:
            return [path for path in self.folder.iterdir() if not path.name.startswith(".") and path.name != _RUNNING]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RetryRefusedError(
                f"Could not read the ledger in '{self.folder}': {error.strerror}. Make it readable, or delete it."
            ) from None

    def _as_of_now(self, run: JobRun, held: str | None) -> JobRun:
        running = not run.ended and run.job != held and self._is_running(run)
        return (running and self._read(self.folder / run.run_id, running=True)) or run

    def _read(self, folder: Path, *, running: bool) -> JobRun | None:
        try:
            entries = list(read_entries(folder / JOURNAL))
            _check_schema(entries[0], folder)
            run = run_of(entries, running=running)
            return self._with_invocation(run) if run.run_id == folder.name else None
        except (OSError, IndexError, KeyError, TypeError, ValueError, AttributeError):
            return None

    def _is_running(self, run: JobRun) -> bool:
        if not self.made_here(run.run_id):
            return run.run_id in self.alive
        return is_held(self.folder / _RUNNING / f"{run.job}.lock") or is_held(self.step_lock(run.job))

    def _with_invocation(self, run: JobRun) -> JobRun:
        """Fill in the invocation of a try that did not come to its end, as far as it is on this ledger."""
        if run.ended:
            return run
        return replace(run, steps=tuple(self._completed(run, number, step) for number, step in enumerate(run.steps)))

    def _completed(self, run: JobRun, number: int, step: StepRun) -> StepRun:
        if step.latest is None or step.latest.exit_code is not None:
            return step
        entry = self.invocation_of(run.run_id, number, self.ledger)
        latest = replace(step.latest, invocation_id=entry.invocation_id if entry else None)
        return replace(step, tries=(*step.tries[:-1], latest))

    def _refuse_damaged_newest(self, damaged: Sequence[Path], found: Sequence[JobRun]) -> None:
        if not damaged:
            return
        newest = max(damaged, key=_changed)
        if not found or _changed(newest) >= max(_changed(self.folder / run.run_id) for run in found):
            raise RetryRefusedError(
                f"The record of the newest run of a job, '{newest / JOURNAL}', is damaged. Delete that folder, and run "
                "the job from its start."
            )


def run_named(prefix: str, runs: Sequence[JobRun]) -> JobRun:
    """Return the run whose id is, or begins with, a prefix.

    Raises:
        RetryRefusedError: None or several do.
    """
    found = [run for run in runs if run.run_id == prefix] or [run for run in runs if run.run_id.startswith(prefix)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise RetryRefusedError(
            f"There is no run {prefix!r} of a job on the ledger. `dbt-retry-plus job history` lists what there is."
        )
    raise RetryRefusedError(
        f"{len(found)} runs begin with {prefix!r}: {', '.join(run.run_id for run in found)}. Give more of the id."
    )


def _check_schema(head: object, folder: Path) -> None:
    name, version = SCHEMA.rsplit("/v", 1)
    written = str(head.get("schema")).rpartition("/v") if isinstance(head, dict) else ("", "", "")
    if written[0] == name and written[2] != version:
        raise RetryRefusedError(
            f"'{folder / JOURNAL}' was written by a newer dbt-retry-plus (v{written[2]}, this one reads v{version}). "
            f"Upgrade dbt-retry-plus, or delete '{folder}'."
        )


def _changed(folder: Path) -> float:
    try:
        return (folder / JOURNAL).stat().st_mtime
    except OSError:
        return 0.0
