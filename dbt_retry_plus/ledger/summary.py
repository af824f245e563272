"""What an invocation came to, in a few words that are quick to read again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from dbt_retry_plus.commands import COMMAND_NAMES
from dbt_retry_plus.ledger.files import write_atomically
from dbt_retry_plus.ledger.journal import JOURNAL
from dbt_retry_plus.ledger.local import LedgerEntry
from dbt_retry_plus.ledger.recorded import read_recorded
from dbt_retry_plus.planning.chain import all_outcomes
from dbt_retry_plus.types import Invocation
from dbt_retry_plus.words import INTERRUPTED, NOT_STARTED

SUMMARY = "summary.json"
SCHEMA: Final = "dbt-retry-plus/summary/v1"

_DBTS_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "success": "PASS",
        "pass": "PASS",
        "reused": "PASS",
        "warn": "WARN",
        "error": "ERROR",
        "fail": "ERROR",
        "runtime error": "ERROR",
        "partial success": "PARTIAL",
        "skipped": "SKIP",
        "no-op": "NO-OP",
        INTERRUPTED: "INTERRUPTED",
        NOT_STARTED: "NOT STARTED",
    }
)


@dataclass(frozen=True)
class Summary:
    """One line of the history.

    Attributes:
        invocation_id: dbt's id of it.
        started_at: When it began (ISO 8601, UTC).
        command: As a person types it, without `dbt`.
        result: `success`, `error`, or `interrupted` when it never came to its end.
        counts: Nodes by outcome, in the words of dbt's own closing line.
        duration: Seconds; None when it never came to its end.
        target: The target that it ran against.
        retry_of: The invocation that it retried.
    """

    invocation_id: str
    started_at: str
    command: str
    result: str
    counts: Mapping[str, int]
    duration: float | None
    target: str | None
    retry_of: str | None


def summary_of(entry: LedgerEntry) -> Summary:
    """Return the summary of an invocation, from the file beside its journal or from the journal itself.

    Raises:
        RetryRefusedError: The journal cannot be read any more.
    """
    kept = _read(entry)
    if kept is not None:
        return kept
    invocation = read_recorded(entry)
    statuses = Counter(outcome.status for outcome in all_outcomes(invocation).values())
    summary = make_summary(entry, statuses, result_of(invocation), invocation.duration, invocation.command)
    keep_summary(entry.folder, summary)
    return summary


def result_of(invocation: Invocation) -> str:
    """Return what an invocation came to: `success`, `error`, or `interrupted` when it never came to its end."""
    if not invocation.ended:
        return INTERRUPTED
    proven = all(outcome.proven for outcome in all_outcomes(invocation).values())
    return "success" if proven and invocation.succeeded is not False else "error"


def make_summary(
    entry: LedgerEntry, statuses: Mapping[str, int], result: str, duration: float | None, command: str
) -> Summary:
    """Make a summary of what is known of an invocation.

    Args:
        entry: Its place on the ledger.
        statuses: How many nodes came to each status of dbt's, or of ours.
        result: `success`, `error` or `interrupted`.
        duration: Seconds.
        command: dbt's `which`.
    """
    counts: Counter[str] = Counter()
    for status, number in statuses.items():
        counts[_DBTS_WORDS.get(status, "ERROR")] += number
    target = entry.header.get("target")
    return Summary(
        invocation_id=entry.invocation_id,
        started_at=entry.started_at,
        command=COMMAND_NAMES.get(command, command),
        result=result,
        counts={word: counts[word] for word in dict.fromkeys(_DBTS_WORDS.values()) if counts[word]},
        duration=duration,
        target=target if isinstance(target, str) else None,
        retry_of=entry.retry_of,
    )


def keep_summary(folder: Path, summary: Summary) -> None:
    """Write a summary beside the journal that it is of; where that is impossible it is made again each time."""
    try:
        document = {"schema": SCHEMA, "journal_bytes": (folder / JOURNAL).stat().st_size, **asdict(summary)}
        write_atomically(folder / SUMMARY, lambda file: file.write(json.dumps(document).encode()))
    except OSError:
        return


def _read(entry: LedgerEntry) -> Summary | None:
    """Read what was kept; None when it is not there, damaged, or older than the journal."""
    try:
        document: dict[str, Any] = json.loads((entry.folder / SUMMARY).read_bytes())
        current = document.pop("schema") == SCHEMA
        current &= document.pop("journal_bytes") == (entry.folder / JOURNAL).stat().st_size
        summary = Summary(**document)
        current &= summary.invocation_id == entry.invocation_id and isinstance(summary.counts, dict)
        current &= summary.duration is None or isinstance(summary.duration, (int, float))
        return summary if current and all(isinstance(t, str) for t in (summary.command, summary.result)) else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
