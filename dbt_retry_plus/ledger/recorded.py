"""Reading an invocation from its journal and the artifacts beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dbt_retry_plus.commands import RUN_OPERATION
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger import journal, quick_json
from dbt_retry_plus.ledger.attempts import attempt_from
from dbt_retry_plus.ledger.local import LedgerEntry
from dbt_retry_plus.ledger.run_results import RUN_RESULTS, outcome_from_row, parse_time, text_or_none
from dbt_retry_plus.types import EndedAttempt, Invocation, Outcome, ProjectInputs
from dbt_retry_plus.words import INTERRUPTED, PROVEN_STATUSES

# What dbt's log calls a batch: its start, and the relation.
_BATCH = re.compile(r"batch (.+?) of ")
_BATCH_NOT_DONE = frozenset({"error", "skipped"})


@dataclass
class _Account:
    """What the lines of a journal add up to."""

    command: str
    arguments: Mapping[str, Any]
    results: Mapping[str, Outcome]  # what dbt's own results tell
    outcomes: dict[str, Outcome | None] = field(default_factory=dict)  # None: it has started
    batches: dict[str, tuple[str, ...]] = field(default_factory=dict)
    announced: dict[str, int] = field(default_factory=dict)
    unfinished: dict[str, int] = field(default_factory=dict)
    selection: frozenset[str] | None = None
    whole_selection: frozenset[str] | None = None
    expected_nodes: int | None = None
    failed_attempts: dict[str, tuple[EndedAttempt, ...]] = field(default_factory=dict)
    error: str | None = None
    fingerprint: str | None = None
    inputs: ProjectInputs | None = None
    end: Mapping[str, Any] = field(default_factory=dict)

    def add(self, entry: Mapping[str, Any]) -> None:
        kind, node = entry["event"], entry.get("node")
        if kind == journal.START and isinstance(node, str):
            self.unfinished[node] = self.unfinished.get(node, 0) + 1
            self.outcomes[node] = None
        elif kind == journal.FINISH and isinstance(node, str):
            self._add_finish(node, entry.get("row"))
        elif kind == journal.SELECTION:
            self._add_selection(entry)
        elif kind == journal.STATE:
            self.fingerprint = text_or_none(entry.get("fingerprint"))
            self.inputs = _inputs(entry)
        elif kind == journal.BATCH and isinstance(node, str):
            self._add_batch(node, entry)
        elif kind == journal.ATTEMPT:
            attempt = attempt_from(entry)
            if attempt is not None:
                earlier = self.failed_attempts.get(attempt.unique_id, ())
                self.failed_attempts[attempt.unique_id] = (*earlier, attempt)
        elif kind == journal.ERROR:
            self.error = str(entry.get("message") or "")
        elif kind == journal.END:
            self.end = entry

    def _add_finish(self, node: str, row: object) -> None:
        """The batches of a microbatch model start and finish in its name, after its own start and before its finish."""
        unfinished = self.unfinished[node] = max(self.unfinished.get(node, 0) - 1, 0)
        self.outcomes[node] = None if unfinished else self._finished(node, _mapping(row))

    def _finished(self, node: str, row: Mapping[str, Any]) -> Outcome:
        known = self.results.get(node)
        if known is not None and known.proven and _is_plainly_proven(row):
            # As `with_results` has it in the end: of a large project, one row a node is memory enough.
            return _with_message(known, row.get("message"))
        try:
            return outcome_from_row({**row, "unique_id": node})
        except (KeyError, TypeError, ValueError):
            return Outcome(node, INTERRUPTED)  # it finished somehow; unproven until it has run again

    def _add_batch(self, node: str, entry: Mapping[str, Any]) -> None:
        named = _BATCH.match(str(entry.get("description")))
        if named and node in self.outcomes and entry.get("status") not in _BATCH_NOT_DONE:
            announced = entry.get("of")
            self.batches[node] = (*self.batches.get(node, ()), named.group(1))
            self.announced[node] = announced if isinstance(announced, int) else 0

    def all_outcomes(self) -> dict[str, Outcome]:
        """The outcome of every node; dbt's events tell of batches as they end, and not with the model's result."""
        return {
            node: outcome
            if outcome is not None and (outcome.proven or outcome.batch_results is not None)
            else replace(
                outcome or Outcome(node, INTERRUPTED),
                finished_batches=self.batches.get(node, ()),
                batches_announced=self.announced.get(node),
            )
            for node, outcome in self.outcomes.items()
        }

    def _add_selection(self, entry: Mapping[str, Any]) -> None:
        nodes, expected = entry.get("nodes"), entry.get("expected")
        self.selection = _ids(nodes)
        self.whole_selection = _ids(entry.get("whole"))
        self.expected_nodes = expected if isinstance(expected, int) else None
        if isinstance(entry.get("command"), str) and isinstance(entry.get("arguments"), dict):
            self.command, self.arguments = entry["command"], entry["arguments"]


def read_recorded(entry: LedgerEntry) -> Invocation:
    """Read all that the ledger knows of one invocation.

    Raises:
        RetryRefusedError: The journal cannot be read any more.
    """
    path = entry.folder / journal.JOURNAL
    header = entry.header
    rows = rows_of(entry.folder / RUN_RESULTS, entry.invocation_id)
    results = {row.unique_id: row for row in rows}
    account = _Account(str(header.get("command")), _mapping(header.get("arguments")), results)
    try:
        for line in journal.read_entries(path):
            account.add(line)
    except OSError as error:
        raise RetryRefusedError(
            f"Could not read '{path}': {error.strerror}. Name another invocation with --invocation."
        ) from None
    if account.end and not rows:  # it may have ended just now: its results are there before its end is
        rows = rows_of(entry.folder / RUN_RESULTS, entry.invocation_id)
    return Invocation(
        invocation_id=entry.invocation_id,
        command=account.command,
        arguments=account.arguments,
        outcomes=with_results(account.command, account.all_outcomes(), rows),
        source=str(path),
        started_at=parse_time(header.get("started_at")),
        duration=_number(account.end.get("elapsed")),
        ended=account.end.get("complete") is True,
        succeeded=account.end.get("success") if isinstance(account.end.get("success"), bool) else None,
        error=account.error,
        selection=account.selection,
        whole_selection=account.whole_selection,
        expected_nodes=account.expected_nodes,
        recorded=True,
        fingerprint=account.fingerprint,
        inputs=account.inputs,
        dbt_version=text_or_none(header.get("dbt_version")),
        project=text_or_none(header.get("project")),
        profile=text_or_none(header.get("profile")),
        target=text_or_none(header.get("target")),
        adapter=text_or_none(_mapping(header.get("adapter")).get("type")),
        adapter_version=text_or_none(_mapping(header.get("adapter")).get("version")),
        schema=text_or_none(header.get("warehouse_schema")),
        host=text_or_none(header.get("host")),
        process_id=header["pid"] if isinstance(header.get("pid"), int) else None,
        retry_of=entry.retry_of,
        failed_attempts=account.failed_attempts,
    )


def recorded_in(folder: Path | None) -> Invocation | None:
    """Read all that the ledger knows of the invocation in a folder; None where its journal has no first line.

    Args:
        folder: The invocation's own folder on the ledger; None where it is not recorded.

    Raises:
        OSError: The journal cannot be read.
        RetryRefusedError: A newer version of this package wrote it, or it cannot be read any more.
    """
    header = journal.read_first_entry(folder / journal.JOURNAL) if folder else None
    return read_recorded(LedgerEntry(folder, header)) if folder and header else None


def with_results(command: str, told: Mapping[str, Outcome], rows: Iterable[Outcome]) -> dict[str, Outcome]:
    """Add to what a journal tells what dbt's results know besides, for instance of batches.

    Results carry no checksum, and dbt writes them after the journal: what that does not prove, they do not prove
    either. The macro of a run-operation is no node that a journal could tell of. Messages stay those of the journal,
    out of which secrets are struck.

    Args:
        command: dbt's `which`.
        told: The outcomes in the journal.
        rows: The outcomes in the results of the same invocation.
    """
    outcomes = dict(told)
    for row in rows:
        before = told.get(row.unique_id)
        if not row.proven or (before.proven if before else command == RUN_OPERATION):
            outcomes[row.unique_id] = _with_message(row, before.message if before else None)
    return outcomes


def _is_plainly_proven(row: Mapping[str, Any]) -> bool:
    """Whether a row is without any doubt that of a proven node, and of one without parts."""
    status = row.get("status")
    without_parts = row.get("batch_results") is None and row.get("overload_results") is None
    return (
        type(status) is str and status in PROVEN_STATUSES and type(row.get("execution_time")) is float and without_parts
    )


def _with_message(row: Outcome, message: str | None) -> Outcome:
    return replace(row, message=message) if message and message != row.message else row


def rows_of(path: Path, invocation_id: str) -> Sequence[Outcome]:
    """Read the rows of an invocation's own results; with none, or damaged ones, the journal has to do.

    Args:
        path: The results.
        invocation_id: The invocation that they have to be of.
    """
    try:
        return list(map(outcome_from_row, _rows(path.read_bytes(), invocation_id)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _rows(content: bytes, invocation_id: str) -> list[Any]:
    with suppress(ValueError):
        rows = _rows_in(quick_json.decoded(content), invocation_id)
        if all(map(quick_json.as_written, rows)):
            return rows
    return _rows_in(json.loads(content), invocation_id)


def _rows_in(document: Mapping[str, Any], invocation_id: str) -> list[Any]:
    of_it = document["metadata"]["invocation_id"] == invocation_id
    return list(document["results"]) if of_it else []


def _inputs(entry: Mapping[str, Any]) -> ProjectInputs | None:
    parts = [entry.get(name) for name in ("env_vars", "packages", "vars")]
    return ProjectInputs(*map(_mapping, parts)) if all(isinstance(part, dict) for part in parts) else None


def _ids(value: object) -> frozenset[str] | None:
    return frozenset(map(str, value)) if isinstance(value, list) else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, (int, float)) else None
    except OverflowError:
        return None
