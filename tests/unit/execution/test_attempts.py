"""Whether a node is executed again, and when: by its rules, the class of its error, and what is left of the budgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.attempt_settings import rules_with
from dbt_retry_plus.execution.attempts import (
    AttemptBudget,
    AttemptListeners,
    Attempts,
    delay_before_next,
    wants_another,
)
from dbt_retry_plus.types import AttemptRules, EndedAttempt, ErrorCause, NodeAttempt, NodeError
from dbt_retry_plus.words import Backoff, ErrorClass, ErrorKind, RetryOn

RESET = NodeError("model.shop.orders", "postgres", ErrorKind.DATABASE, "x", (ErrorCause("E", "connection reset"),))
THREE = AttemptRules(attempts=3, delay=1.0, jitter=0.0)


def attempts(
    rules: AttemptRules = THREE,
    found: ErrorClass = ErrorClass.TRANSIENT,
    budget: AttemptBudget | None = None,
    clock: Any = lambda: 0.0,
) -> Attempts:
    return Attempts(lambda _: rules, lambda _: found, budget, clock=clock)


def end(account: Attempts, number: int, error: NodeError = RESET) -> float | None:
    attempt = NodeAttempt(error.unique_id, number)
    account.begin(attempt)
    return account.ended(EndedAttempt(**vars(attempt), status="error"), replace(error, attempt=number)).delay


def test_a_node_is_executed_as_often_as_its_rules_say() -> None:
    account = attempts()
    assert [end(account, number) is not None for number in (1, 2, 3)] == [True, True, False]


def test_what_comes_before_the_first_node_follows_the_same_rules_and_uses_the_same_budget() -> None:
    account = attempts(budget=AttemptBudget(extra_attempts=2))
    early = replace(RESET, unique_id="")
    assert [account.before_nodes(replace(early, attempt=number)) for number in (1, 2)] == [1.0, 2.0]
    assert end(account, 1) is None
    assert attempts(AttemptRules()).before_nodes(early) is None
    assert attempts(found=ErrorClass.PERMANENT).before_nodes(early) is None


def test_by_default_a_node_is_executed_once() -> None:
    assert end(attempts(AttemptRules()), 1) is None


@pytest.mark.parametrize(
    ("retry_on", "again"),
    [
        (RetryOn.TRANSIENT, {ErrorClass.TRANSIENT}),
        (RetryOn.UNKNOWN, {ErrorClass.TRANSIENT, ErrorClass.UNKNOWN}),
        (RetryOn.ANY, set(ErrorClass)),
    ],
)
def test_the_class_of_the_error_decides(retry_on: RetryOn, again: set[ErrorClass]) -> None:
    rules = replace(THREE, retry_on=retry_on)
    assert {found for found in ErrorClass if end(attempts(rules, found), 1) is not None} == again


def test_patterns_overrule_the_class_and_look_at_the_database_error_alone() -> None:
    named_so = replace(RESET, unique_id="model.shop.connection_reset", message="connection reset", causes=())
    other = replace(named_so, causes=(ErrorCause("E", "syntax error"),))
    assert not wants_another(replace(THREE, rerun_except=("reset$",)), RESET, ErrorClass.TRANSIENT)
    assert wants_another(replace(THREE, only_rerun=("^connection",)), RESET, ErrorClass.PERMANENT)
    assert not wants_another(replace(THREE, only_rerun=("connection",)), other, ErrorClass.TRANSIENT)
    assert wants_another(replace(THREE, only_rerun=("connection",)), named_so, ErrorClass.UNKNOWN)


def test_all_nodes_share_the_budget_of_attempts() -> None:
    account = attempts(budget=AttemptBudget(extra_attempts=1))
    assert end(account, 1) is not None
    assert end(account, 1, replace(RESET, unique_id="model.shop.customers")) is None


def test_no_attempt_begins_after_the_budget_of_time() -> None:
    times = iter([100.0, 103.0, 104.5])
    account = attempts(budget=AttemptBudget(seconds=5.0), clock=lambda: next(times))
    assert end(account, 1) == 1.0  # it would begin at 104
    assert end(account, 2) is None  # it would begin at 106.5


def test_an_attempt_that_succeeds_is_the_last_and_has_no_class() -> None:
    told: list[EndedAttempt] = []
    account = Attempts(lambda _: THREE, lambda _: ErrorClass.UNKNOWN, None, AttemptListeners(ended=told.append))
    account.begin(NodeAttempt("model.shop.orders"))
    ended = account.ended(EndedAttempt("model.shop.orders", 1, status="success"), None)
    assert (ended.delay, ended.error_class) == (None, None)
    assert told == [ended]


@given(st.floats(0.01, 100), st.floats(0.01, 1000), st.floats(0, 10), st.integers(1, 50))
def test_delays_grow_up_to_a_bound(delay: float, most: float, jitter: float, attempt: int) -> None:
    rules = AttemptRules(delay=delay, max_delay=most, jitter=jitter)
    expected = min(delay * 2 ** (attempt - 1), most)
    assert expected <= delay_before_next(rules, attempt) <= expected + jitter
    constant = replace(rules, backoff=Backoff.CONSTANT)
    assert min(delay, most) <= delay_before_next(constant, attempt) <= min(delay, most) + jitter


@pytest.mark.parametrize("values", [{}, {"attempts": 5, "changed": "none"}])
def test_rules_take_what_is_theirs(values: Mapping[str, Any]) -> None:
    assert rules_with(THREE, values) == replace(THREE, attempts=values.get("attempts", 3))
