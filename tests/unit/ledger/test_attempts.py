"""Failed attempts in a journal, and how often nodes needed more than one of late."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from dbt_retry_plus.ledger.attempts import attempt_entry, attempt_from
from dbt_retry_plus.ledger.flaky import recovered_nodes
from dbt_retry_plus.types import EndedAttempt, Invocation, Outcome
from dbt_retry_plus.words import ErrorClass

ATTEMPT = EndedAttempt(
    "model.shop.orders",
    2,
    "batch 2026-01-01 of main.orders",
    status="error",
    message="connection reset",
    error_class=ErrorClass.TRANSIENT,
    delay=1.5,
    execution_time=0.25,
    started_at=datetime(2026, 1, 2, 3, 4, 5, 6, timezone.utc),
    completed_at=datetime(2026, 1, 2, 3, 4, 6, tzinfo=timezone.utc),
    thread="Thread-1",
)


def test_an_attempt_comes_back_as_it_was_written() -> None:
    assert attempt_from(json.loads(json.dumps(attempt_entry(ATTEMPT)))) == ATTEMPT


@pytest.mark.parametrize(
    "damage", [{"class": "odd"}, {"number": None}, {"delay": "soon"}, {"node": None, "number": []}]
)
def test_what_is_no_attempt_is_passed_over(damage: dict[str, object]) -> None:
    assert attempt_from({**attempt_entry(ATTEMPT), **damage}) is None


@pytest.mark.parametrize(("status", "recovered"), [("success", {"model.shop.orders"}), ("error", set())])
def test_a_node_recovered_if_it_is_proven_in_the_end(status: str, recovered: set[str]) -> None:
    outcomes = {name: Outcome(name, status) for name in ("model.shop.orders", "model.shop.other")}
    invocation = Invocation("id", "build", {}, outcomes, "", failed_attempts={"model.shop.orders": (ATTEMPT,)})
    assert recovered_nodes(invocation) == recovered
