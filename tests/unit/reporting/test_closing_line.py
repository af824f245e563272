from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.planning.retry_set import plan_retry
from dbt_retry_plus.reporting.closing_line import closing_line, counted, in_short
from dbt_retry_plus.types import Chain, Invocation, Outcome

NOW = datetime(2026, 1, 2, 12, tzinfo=timezone.utc)
BUILD = "4f3a91c0-1234"


def line(statuses: dict[str, str], *, seconds: float = 60.0, retry: bool = False, **changes: Any) -> str:
    outcomes = {node: Outcome(node, status, execution_time=seconds) for node, status in statuses.items()}
    links = (Invocation(BUILD, **{"command": "build", "arguments": {}, "outcomes": outcomes, "source": "", **changes}),)
    if retry:
        links += (Invocation("5e6f7a8b-1234", "build", {}, {}, "", started_at=NOW - timedelta(minutes=5)),)
    chain = Chain(links, outcomes)
    return closing_line(chain, plan_retry(chain), NOW)


def test_what_was_resumed_and_what_that_saved() -> None:
    statuses = {f"model.shop.m{number}": "success" for number in range(41)} | {"model.shop.a": "error"}
    assert line(statuses, started_at=NOW - timedelta(hours=3)) == (
        "Resumed from 4f3a91c0 (`dbt build`, 3 h ago): 1 node run, 41 proven before, 41 m saved"
    )


def test_the_newest_link_is_what_was_resumed() -> None:
    assert line({"model.shop.a": "error"}, retry=True, command="generate").startswith(
        "Resumed from 5e6f7a8b (`dbt docs generate`, 5 m ago): "
    )


def test_an_unknown_beginning_is_not_mentioned() -> None:
    assert line({"model.shop.a": "skipped", "model.shop.b": "error"}) == (
        "Resumed from 4f3a91c0 (`dbt build`): 2 nodes run, 0 proven before, 0.0 s saved"
    )


def test_a_beginning_in_the_future_is_just_now() -> None:
    assert "0.0 s ago" in line({"model.shop.a": "error"}, started_at=NOW + timedelta(hours=1))


def test_hooks_are_no_nodes() -> None:
    statuses = {"operation.shop.start": "success", "operation.shop.end": "error", "model.shop.a": "success"}
    assert line(statuses).endswith("0 nodes run, 1 proven before, 1 m saved")


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (-1, "0.0 s"),
        (0, "0.0 s"),
        (0.24, "0.2 s"),
        (9.9, "9.9 s"),
        (9.96, "10 s"),
        (10, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 m"),
        (60, "1 m"),
        (2460, "41 m"),
        (3599, "1 h"),
        (3600, "1 h"),
        (10_800, "3 h"),
        (86_400, "24 h"),
        (172_799, "2 d"),
        (172_800, "2 d"),
        (864_000, "10 d"),
    ],
)
def test_how_long(seconds: float, says: str) -> None:
    assert in_short(seconds) == says


@given(st.floats(0, 1e9))
def test_no_number_is_as_long_as_the_next_unit(seconds: float) -> None:
    number, unit = in_short(seconds).split()
    assert float(number) < {"s": 60, "m": 60, "h": 48, "d": 1e9}[unit]
    assert ("." in number) == (unit == "s" and float(number) < 10)
    in_seconds = float(number) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[unit]
    assert abs(in_seconds - seconds) <= 0.5 * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[unit] + 1


@given(st.floats())
def test_no_number_of_seconds_raises(seconds: float) -> None:
    assert in_short(seconds)


def test_how_many() -> None:
    assert [counted(number, "node") for number in (0, 1, 2)] == ["0 nodes", "1 node", "2 nodes"]
