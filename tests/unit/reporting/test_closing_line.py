from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from dbt_retry_plus.planning.retry_set import plan_retry
from dbt_retry_plus.reporting.closing_line import closing_line
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
