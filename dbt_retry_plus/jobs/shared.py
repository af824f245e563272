"""The runs of jobs in the ledger's store: `<project>/<environment>/jobs/<job>/<when it began>-<run_id>.gz`.

The environment is the one that settings name: dbt would derive it from the target, of which steps may have several.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.jobs.job_ledger import JOBS, JobLedger
from dbt_retry_plus.jobs.record import JobRun, step_tag
from dbt_retry_plus.jobs.sharing import Sharing
from dbt_retry_plus.ledger import segments
from dbt_retry_plus.ledger.claims import Claim, Held, newest
from dbt_retry_plus.ledger.fetching import Fetcher
from dbt_retry_plus.ledger.journal import END, JOURNAL, decoded, read_entries
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.ledger.location import project_name
from dbt_retry_plus.ledger.opening import remote_ledger
from dbt_retry_plus.ledger.remote import CLAIMS, LATEST, RemoteLedger, name_in_store, read_header, read_object
from dbt_retry_plus.ledger.run_results import parse_time
from dbt_retry_plus.ledger.store import StoreUnreachableError
from dbt_retry_plus.settings import Settings
from dbt_retry_plus.store_url import is_url
from dbt_retry_plus.texts import in_short

_PACKED = ".gz"
_CLAIM = "job-"
_RUN_ID = re.compile(r"[0-9a-zA-Z-]+")  # no name in a store leads out of the ledger


class SharedJobs:
    """What machines know of each other's runs of jobs."""

    def __init__(self, remote: RemoteLedger, ledger: JobLedger, interval: float, warn: Callable[[str], object]) -> None:
        """Prepare; nothing is opened yet.

        Args:
            remote: The ledger in the store.
            ledger: The ledger of this machine.
            interval: How often, in seconds, a running job says that it is alive.
            warn: Is told what goes wrong while a job runs, which stops nothing.
        """
        self._remote = remote
        self._ledger = ledger
        self._interval = interval
        self._warn = warn

    def fetch(self) -> None:
        """Fetch the runs of which this machine has less than the store.

        Raises:
            StoreUnreachableError: The store cannot be reached.
            OSError: The ledger cannot be written.
        """
        names = self._names()
        newest_of_jobs = {name.rpartition("/")[0]: name for name in names}
        for name in names:
            run_id = Path(name).stem.rpartition("_")[2]
            folder = self._ledger.folder / run_id
            if not _RUN_ID.fullmatch(run_id) or _has_ended(folder):
                continue
            found = segments.decompressed(read_object(self._remote.store, name) or b"")
            if found is None and name in newest_of_jobs.values() and not folder.is_dir():
                raise StoreUnreachableError(f"the record of the newest run of a job, {name}, is torn")
            if found is not None and _is_more(found, folder):
                self._ledger.put(run_id, found, _last_change(found))

    def ship(self, run: JobRun) -> None:
        """Put what is on record of a run into the store.

        Raises:
            StoreUnreachableError: The store cannot be reached.
            OSError: The journal cannot be read.
        """
        name = f"{self._place(run.job)}{_began(run)}_{run.run_id}{_PACKED}"
        journal = (self._ledger.folder / run.run_id / JOURNAL).read_bytes()
        self._remote.store.write(name, segments.compressed(journal))
        self._remote.store.write(f"{self._place(run.job)}{LATEST}", json.dumps({"name": name}).encode())

    def prune(self, job: str, most: int) -> None:
        """Discard the oldest runs of a job in the store until as many are left as may be; failing is a warning."""
        try:
            runs = self._names(job)
            place = f"{self._remote.base}/{CLAIMS}/{_claim_of(job)}/"
            claims = sorted(each.name for each in self._remote.store.list(place))
            for name in (*runs[:-most], *claims[:-most]):
                self._remote.store.delete(name)
        except StoreUnreachableError as error:
            self._warn(f"{self._remote.url} could not be tidied: {error}.")

    def invocation_of(self, run_id: str, number: int, resumed: str | None) -> str | None:
        """Return the newest invocation of a step that the store has, or else the one that the step resumed.

        Args:
            run_id: The run.
            number: The number of the step, counted from 0.
            resumed: The invocation that the step resumed; the store may not have it.

        Raises:
            StoreUnreachableError: The store cannot be reached.
        """
        tag, invocations = step_tag(run_id, number), self._remote.invocations()
        for invocation in reversed(invocations):
            header = read_header(self._remote.store, invocation)
            if header and header.get("job_step") == tag:
                return invocation.invocation_id
        return resumed if any(invocation.invocation_id == resumed for invocation in invocations) else None

    def fetch_invocations(self, invocation_ids: Iterable[str], folder: Path) -> LocalLedger:
        """Fetch invocations, with what they retried, as far as the store has them, for somebody to look at.

        Args:
            invocation_ids: Their ids.
            folder: Where they go: a ledger of its own, of which the commands of this machine know nothing.

        Raises:
            StoreUnreachableError: The store cannot be reached.
            RetryRefusedError: The newest invocation in the store is damaged.
            OSError: The folder cannot be written.
        """
        ledger = LocalLedger(folder)
        fetcher = Fetcher(self._remote, ledger)
        for invocation_id in invocation_ids:
            fetcher.fetch_wanted(invocation_id)
        return ledger

    def alive(self, jobs: set[str]) -> frozenset[str]:
        """Return the runs of some jobs that machines say they are working on.

        Raises:
            StoreUnreachableError: The store cannot be reached.
        """
        held = (newest(self._remote.store, self._remote.base, _claim_of(job)) for job in jobs)
        return frozenset(found.invocation_id for found in held if found and not (found.released or found.expired()))

    def claimed(self, job: str, run_id: str) -> Sharing:
        """Claim a job for a run of it.

        Args:
            job: The job; this process holds its lock on this machine.
            run_id: The run.

        Raises:
            RetryRefusedError: Another machine runs it.
            StoreUnreachableError: The store cannot be reached.
        """
        doing = f"Another run of the job {job!r} is running"
        claim = Claim(self._remote, _claim_of(job), run_id, self._interval, doing)
        if not claim.take(self._ledger.made_here, self._say_wait):
            self._warn(f"{self._remote.url} cannot keep two machines from running a job at once: see that they do not.")
        return Sharing(self.ship, claim, self._interval, self._warn)

    def _say_wait(self, held: Held) -> None:
        self._warn(f"Another machine has claimed this job: seeing if it is alive (up to {in_short(held.lease)}).")

    def unclaimed(self) -> Sharing:
        """Return what ships a run where the store could not be reached as it began."""
        return Sharing(self.ship, None, self._interval, self._warn)

    def _names(self, job: str | None = None) -> list[str]:
        """The objects of runs, sorted; the newest one of each job is among them where the listing lags behind."""
        place = self._place(job) if job else f"{self._remote.base}/{JOBS}/"
        names = {each.name for each in self._remote.store.list(place)}
        for latest in [name for name in names if name.endswith(f"/{LATEST}")]:
            with suppress(ValueError, KeyError, TypeError, RecursionError):
                newest_name = json.loads(read_object(self._remote.store, latest) or b"{}")["name"]
                if isinstance(newest_name, str) and newest_name.startswith(latest.removesuffix(LATEST)):
                    names.add(newest_name)
        return sorted(name for name in names if name.endswith(_PACKED))

    def _place(self, job: str) -> str:
        return f"{self._remote.base}/{JOBS}/{name_in_store(job)}/"


def shared_jobs(settings: Settings, root: Path, ledger: JobLedger, warn: Callable[[str], object]) -> SharedJobs | None:
    """Return what machines know of each other's runs; None where settings do not say so much as it takes.

    Args:
        settings: What the project sets.
        root: Its folder.
        ledger: The ledger of this machine.
        warn: Is told what goes wrong while a job runs.

    Raises:
        RetryRefusedError: Settings name a plugin that is not there, or the project has no name.
    """
    if not is_url(settings.ledger):
        return None
    if not settings.ledger_environment:
        warn("Runs of jobs stay on this machine: set ledger_environment to have them in the ledger's store.")
        return None
    remote = remote_ledger(settings, root, project_name(root), settings.ledger_environment)
    for finding in remote.findings:
        warn(finding.sentence)
    return SharedJobs(remote, ledger, settings.ledger_interval, warn)


def _claim_of(job: str) -> str:
    return _CLAIM + name_in_store(job)


def _began(run: JobRun) -> str:
    return f"{run.started_at:%Y%m%d%H%M%S%f}" if run.started_at else "0" * 20


def _has_ended(folder: Path) -> bool:
    try:
        return any(entry["event"] == END for entry in read_entries(folder / JOURNAL))
    except (OSError, RetryRefusedError):
        return False


def _is_more(found: bytes, folder: Path) -> bool:
    try:
        have = (folder / JOURNAL).read_bytes()
    except OSError:
        return True
    return _whole_lines(found) > _whole_lines(have)


def _whole_lines(journal: bytes) -> int:
    return sum(1 for _ in decoded(journal.splitlines(keepends=True), Path(JOURNAL)))


def _last_change(journal: bytes) -> float:
    """When the last line was written: what is fetched is no newer than that."""
    lines = decoded(journal.splitlines(keepends=True), Path(JOURNAL))
    times = (parse_time(line.get("at") or line.get("started_at")) for line in lines)
    return max((moment.timestamp() for moment in times if moment), default=0.0)
