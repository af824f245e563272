"""What an attempt of a node came to, from dbt's result of it and what was raised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, Protocol

from dbt_retry_plus.dbtcore.node_errors import node_error
from dbt_retry_plus.types import EndedAttempt, NodeAttempt, NodeError

_FAILED = frozenset({"error", "fail", "runtime error"})


class AttemptAccount(Protocol):
    """Who keeps account of attempts, and decides whether another one follows."""

    def may_run_again(self, unique_id: str) -> bool:
        """Whether a node may have more than one attempt."""

    def before_nodes(self, error: NodeError) -> float | None:
        """Decide whether what dbt does before the first node is done again, and after how many seconds."""

    def begin(self, attempt: NodeAttempt) -> None:
        """Note that an attempt begins."""

    def ended(self, attempt: EndedAttempt, error: NodeError | None) -> EndedAttempt:
        """Note what an attempt came to; what it returns tells whether, and when, another one follows."""


def end_of_attempt(
    account: AttemptAccount, began: NodeAttempt, runner: Any, result: Any, raised: BaseException | None
) -> EndedAttempt:
    """Tell what an attempt came to.

    Args:
        account: Who is told.
        began: The attempt.
        runner: dbt's runner of the node.
        result: dbt's result of it.
        raised: What was raised.
    """
    message = getattr(result, "message", None)  # that of a source's freshness has none
    ended = EndedAttempt(
        **vars(began),
        status=str(result.status),
        message=str(message) if message is not None else None,
        execution_time=result.execution_time,
        started_at=_first(result.timing, "started_at", min),
        completed_at=_first(result.timing, "completed_at", max),
        thread=result.thread_id or None,
    )
    # A microbatch model fails by its batches, each of which has had attempts of its own.
    by_its_batches = raised is None and hasattr(runner, "merge_batch_results")
    if ended.status not in _FAILED or by_its_batches:
        return account.ended(ended, None)
    error = node_error(runner.node, runner.adapter.type(), ended.message or "", raised, began.number)
    if ended.message == "ERROR" and error.causes:  # what dbt says of a batch
        ended = replace(ended, message=error.causes[0].message)
    return account.ended(ended, error)


def _first(timing: Iterable[Any], name: str, choose: Any) -> datetime | None:
    found: list[datetime] = [moment for part in timing if (moment := getattr(part, name, None)) is not None]
    return choose(found).replace(tzinfo=timezone.utc) if found else None
