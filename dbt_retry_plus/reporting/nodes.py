"""What an invocation did with one node, as every report tells it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime

from dbt_retry_plus.ledger.run_results import parse_time
from dbt_retry_plus.types import Attempt, EndedAttempt, Graph, Invocation, Outcome, ReportedNode
from dbt_retry_plus.words import NOT_STARTED, UNPROVEN_FATES, ErrorClass, Verdict

NEVER_RUN = frozenset({"skipped", NOT_STARTED})
"""The statuses of a node that was not executed."""


def last_attempt(outcome: Outcome) -> Attempt:
    """Return the attempt that a node's outcome is of."""
    row = outcome.row or {}
    times = [moment for moment in _times(row.get("timing")) if moment]
    return Attempt(
        status=outcome.status,
        message=outcome.message,
        execution_time=outcome.execution_time,
        thread=str(row["thread_id"]) if row.get("thread_id") else None,
        started_at=min(times, default=None),
        completed_at=max(times, default=None),
    )


def with_attempts(node: ReportedNode, failed: Sequence[EndedAttempt]) -> ReportedNode:
    """Tell of all attempts: those that failed are known one by one, the last one by dbt's own result."""
    if not failed or not node.attempts:
        return node
    last = node.attempts[-1]
    ended_it = [attempt for attempt in failed if attempt.delay is None]
    if ended_it:
        last = replace(last, error_class=_worst(ended_it))
    earlier = [_earlier(attempt) for attempt in failed if attempt.delay is not None or attempt.batch]
    return replace(node, attempts=(*earlier, last))


def parents_of(unique_id: str, graph: Graph, named: AbstractSet[str]) -> tuple[str, ...]:
    """Return the nodes of the report that a node reads or tests; ephemeral models are a part of their children."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [unique_id]
    while waiting:
        node = graph.get(waiting.pop())
        for parent in node.parents if node else ():
            if parent in named:
                found.add(parent)
            elif parent in graph and graph[parent].ephemeral and parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return tuple(sorted(found))


def unproven_verdict(after: Invocation, nodes: Iterable[ReportedNode]) -> Verdict | None:
    """Return the verdict where a node is unproven, or where the command did not come to its end; None elsewhere."""
    if not after.ended and after.error is None:
        return Verdict.INTERRUPTED
    left = [node for node in nodes if node.fate in UNPROVEN_FATES]
    if not left and after.ended:
        return None
    return Verdict.RETRY_WILL_NOT_HELP if after.ended and _is_permanent(left) else Verdict.STILL_FAILING


def _is_permanent(left: Sequence[ReportedNode]) -> bool:
    """Whether all that is left failed for good; what waits below has no error of its own."""
    failed = [node for node in left if node.attempts]
    never_reached = any(node.status == NOT_STARTED for node in left)
    return bool(failed) and not never_reached and all(node.error_class is ErrorClass.PERMANENT for node in failed)


def _worst(attempts: Iterable[EndedAttempt]) -> ErrorClass:
    """What a model is taken for whose batches failed: permanent if all of them did so."""
    classes = {attempt.error_class for attempt in attempts}
    return next(
        (found for found in (ErrorClass.TRANSIENT, ErrorClass.UNKNOWN) if found in classes), ErrorClass.PERMANENT
    )


def _earlier(attempt: EndedAttempt) -> Attempt:
    return Attempt(
        status=attempt.status,
        message=attempt.message,
        execution_time=attempt.execution_time,
        thread=attempt.thread,
        started_at=attempt.started_at,
        completed_at=attempt.completed_at,
        error_class=attempt.error_class,
        batch=attempt.batch,
    )


def _times(timing: object) -> Iterable[datetime | None]:
    """The moments that dbt notes as it compiles and executes a node."""
    for part in timing if isinstance(timing, list) else ():
        if isinstance(part, dict):
            yield from (parse_time(part.get(name)) for name in ("started_at", "completed_at"))
