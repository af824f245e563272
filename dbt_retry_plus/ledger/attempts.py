"""Failed attempts of nodes in a journal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbt_retry_plus.ledger import journal
from dbt_retry_plus.ledger.run_results import parse_time, text_or_none
from dbt_retry_plus.types import EndedAttempt
from dbt_retry_plus.words import ErrorClass


def attempt_entry(attempt: EndedAttempt) -> dict[str, Any]:
    """Make the journal's entry of an attempt that failed."""
    return {
        "event": journal.ATTEMPT,
        "node": attempt.unique_id,
        "at": journal.now(),
        "number": attempt.number,
        "batch": attempt.batch,
        "status": attempt.status,
        "message": attempt.message[: journal.LONGEST_MESSAGE] if attempt.message else None,
        "class": attempt.error_class.value if attempt.error_class else None,
        "delay": attempt.delay,
        "execution_time": attempt.execution_time,
        "started_at": journal.time_text(attempt.started_at) if attempt.started_at else None,
        "completed_at": journal.time_text(attempt.completed_at) if attempt.completed_at else None,
        "thread": attempt.thread,
    }


def attempt_from(entry: Mapping[str, Any]) -> EndedAttempt | None:
    """Read an entry; None where a newer version wrote what this one does not know."""
    try:
        delay = entry["delay"]
        return EndedAttempt(
            unique_id=str(entry["node"]),
            number=int(entry["number"]),
            batch=text_or_none(entry["batch"]),
            status=str(entry["status"]),
            message=text_or_none(entry["message"]),
            error_class=ErrorClass(entry["class"]),
            delay=float(delay) if delay is not None else None,
            execution_time=float(entry["execution_time"]),
            started_at=parse_time(entry["started_at"]),
            completed_at=parse_time(entry["completed_at"]),
            thread=text_or_none(entry["thread"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
