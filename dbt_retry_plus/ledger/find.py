"""Finding the invocation to retry, and the chain that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dbt_retry_plus.commands import RETRYABLE_COMMANDS
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.journal import JOURNAL
from dbt_retry_plus.ledger.local import LedgerEntry, LocalLedger
from dbt_retry_plus.ledger.recorded import read_recorded, with_results
from dbt_retry_plus.ledger.run_results import (
    RUN_RESULTS,
    NotRetryableError,
    UnreadableResultsError,
    identity_of,
    parse_time,
    read_run_results,
)
from dbt_retry_plus.planning.chain import chain_of, fold
from dbt_retry_plus.types import Chain, Invocation


@dataclass(frozen=True)
class Records:
    """What is on record of one project: its invocations on the ledger, and dbt's own results where they know more.

    Attributes:
        ledger: The ledger.
        folder: The folder of dbt's artifacts.
        entries: The invocations on the ledger, oldest first.
        results: What `run_results.json` tells, where that invocation is not on the ledger.
        refusal: Why `run_results.json` tells nothing, where that matters.
        written_by: The id of the invocation that wrote `run_results.json`.
    """

    ledger: LocalLedger
    folder: Path
    entries: Sequence[LedgerEntry]
    results: Invocation | None = None
    refusal: RetryRefusedError | None = None
    written_by: str | None = None

    def newest_id(self) -> str:
        """Return the id of the newest invocation that executed nodes.

        Raises:
            RetryRefusedError: There is none, or it left nothing that can be read.
        """
        if self.refusal is not None:
            raise self.refusal
        newest = next((known for known in reversed(self._retried()) if self._executes(known)), None)
        if newest is None:
            raise RetryRefusedError(
                f"No invocation on the ledger in '{self.ledger.name}' executed any node. Run the original dbt command."
            )
        return newest

    def id_of(self, prefix: str) -> str:
        """Return the id that is, or begins with, a prefix.

        Raises:
            RetryRefusedError: None or several do.
        """
        known = self._retried()
        found = [invocation_id for invocation_id in known if invocation_id.startswith(prefix)]
        if len(found) == 1 or prefix in found:
            return prefix if prefix in found else found[0]
        if not found:
            raise RetryRefusedError(
                f"There is no invocation {prefix!r} on the ledger in '{self.ledger.name}'. "
                "`dbt-retry-plus history` lists those that there are."
            )
        raise RetryRefusedError(
            f"{len(found)} invocations begin with {prefix!r}: {', '.join(sorted(found))}. Give more of the id."
        )

    def chain(self, invocation_id: str) -> Chain:
        """Read the whole chain that an invocation is part of.

        Raises:
            RetryRefusedError: A link cannot be read, or none of them came to execute nodes.
        """
        links = [self._read(link) for link in self._links(invocation_id)]
        # A `dbt retry` of what is gone that never came to say which command it retries has nothing to begin with.
        while links and links[0].command not in RETRYABLE_COMMANDS:
            del links[0]
        if not links:
            raise RetryRefusedError(
                f"Invocation {invocation_id} ended before it executed any node, and what it retried is not on the "
                "ledger. Run the original dbt command, or name another invocation with --invocation."
            )
        return fold(links)

    def other_chains(self, invocation_id: str) -> Iterator[Chain]:
        """Yield the chains that an invocation is not part of, the newest first.

        Raises:
            RetryRefusedError: A link cannot be read.
        """
        seen = set(self._links(invocation_id))
        for other in reversed(self._retried()):
            if other not in seen and self._executes(other):
                seen.update(self._links(other))
                yield self.chain(other)

    def running(self, chain: Chain) -> Invocation | None:
        """Return the link of a chain whose process is still alive on this machine."""
        alive = (link for link in chain.invocations if link.recorded and self.ledger.is_running(link.invocation_id))
        return next(alive, None)

    def _retried(self) -> dict[str, str | None]:
        """All ids, oldest first, each with the id that it retried."""
        recorded = {entry.invocation_id: entry.retry_of for entry in self.entries}
        if self.results is None:
            return recorded
        results: dict[str, str | None] = {self.results.invocation_id: None}
        return {**recorded, **results} if self._results_are_newer(self.results) else {**results, **recorded}

    def _links(self, invocation_id: str) -> tuple[str, ...]:
        return chain_of(invocation_id, self._retried())

    def _entry(self, invocation_id: str) -> LedgerEntry:
        return next(entry for entry in self.entries if entry.invocation_id == invocation_id)

    def _executes(self, invocation_id: str) -> bool:
        """Whether an invocation can be retried: a `dbt retry` may have ended before it knew what it retries."""
        if self.results is not None and invocation_id == self.results.invocation_id:
            return True
        entry = self._entry(invocation_id)
        return entry.header.get("command") in RETRYABLE_COMMANDS or read_recorded(entry).command in RETRYABLE_COMMANDS

    def _read(self, invocation_id: str) -> Invocation:
        if self.results is not None and invocation_id == self.results.invocation_id:
            return self.results
        invocation = read_recorded(self._entry(invocation_id))
        # Its own copy is made when dbt is done: a process that was killed before that has left only dbt's. A retry
        # of ours writes its own first, and then the target folder's, in which older rows are filled in.
        own = self._entry(invocation_id).folder / RUN_RESULTS
        if not invocation.ended and not own.exists() and identity_of(self.folder) == invocation_id:
            try:
                written = read_run_results(self.folder)
            except RetryRefusedError:
                return invocation
            rows = written.outcomes.values()
            return replace(invocation, outcomes=with_results(invocation.command, invocation.outcomes, rows))
        return invocation

    def _results_are_newer(self, results: Invocation) -> bool:
        if not self.entries:
            return True
        newest = self.entries[-1]
        started = parse_time(newest.header.get("started_at"))
        if started is None or results.started_at is None:
            return _changed(self.folder / RUN_RESULTS) > _changed(newest.folder / JOURNAL)
        return results.started_at > started


def records_on(ledger: LocalLedger) -> Records:
    """Look at what is on a ledger alone, of whichever project, and not at dbt's artifacts.

    Raises:
        RetryRefusedError: The ledger cannot be read.
    """
    return Records(ledger, ledger.folder, ledger.entries())


def read_records(ledger: LocalLedger, folder: Path, project: str) -> Records:
    """Look at what is on record of a project.

    Args:
        ledger: The ledger.
        folder: The target folder, or what `--state` names.
        project: Name of the project; what other projects left in the same place is passed over.

    Raises:
        RetryRefusedError: The ledger cannot be read.
    """
    recorded = ledger.entries()
    known = {entry.invocation_id for entry in recorded}
    entries = _of_project(recorded, project)
    records = Records(ledger, folder, entries, written_by=identity_of(folder))
    if records.written_by in known:
        return records
    try:
        results = read_run_results(folder)
    except NotRetryableError as refusal:
        return replace(records, refusal=None if entries else refusal)
    except UnreadableResultsError as refusal:
        return replace(records, refusal=None if _explained(folder, entries) else refusal)
    return replace(records, results=None if results.invocation_id in known else results)


def overtaken(records: Records, project: str, named: Chain | None = None) -> bool:
    """Tell whether another command was recorded since, or wrote results without being recorded.

    Args:
        records: What was read before.
        project: Name of the project.
        named: The chain that the user named, which only retries of it overtake; else the newest one was meant.

    Raises:
        RetryRefusedError: The ledger cannot be read any more.
    """
    recorded = records.ledger.entries()
    # One that was on the ledger may have ended since; one that is not recorded tells of itself in no other way.
    if identity_of(records.folder) not in {records.written_by, *(entry.invocation_id for entry in recorded)}:
        return True
    now, before = _of_project(recorded, project), [entry.invocation_id for entry in records.entries]
    if named is None:
        return [entry.invocation_id for entry in now] != before
    links = {link.invocation_id for link in named.invocations}
    return any(entry.retry_of in links for entry in now if entry.invocation_id not in before)


def _of_project(entries: Sequence[LedgerEntry], project: str) -> list[LedgerEntry]:
    return [entry for entry in entries if entry.header.get("project") in (None, project)]


def _explained(folder: Path, entries: Sequence[LedgerEntry]) -> bool:
    """Whether the ledger knows more than unreadable results could: they are older, or their writer was killed."""
    if not entries:
        return False
    newest = entries[-1]
    if not read_recorded(newest).ended:
        return True
    # With no results there is nothing to explain: they were not written, or cleaned away.
    return _changed(folder / RUN_RESULTS) <= _changed(newest.folder / JOURNAL)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
