from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.planning.chain import fold
from dbt_retry_plus.planning.unresolved import unproven_since
from dbt_retry_plus.types import Chain
from dbt_retry_plus.words import PROVEN_STATUSES, UNPROVEN_STATUSES
from tests.support.ledgers import invocation

A, B, VIEW = "model.shop.a", "model.shop.b", "model.shop.view"
STATUSES = st.dictionaries(st.sampled_from([A, B, VIEW]), st.sampled_from(sorted(PROVEN_STATUSES | UNPROVEN_STATUSES)))


def one(statuses: dict[str, str] | None = None, **changes: Any) -> Chain:
    return fold([invocation("1", statuses, **{"recorded": True, "target": "dev", "profile": "shop", **changes})])


def test_what_failed_is_unproven_until_somebody_proves_it() -> None:
    failed = one({A: "error", B: "success"})
    assert unproven_since(failed, []) == {A}
    assert unproven_since(failed, [one({B: "success"})]) == {A}
    assert unproven_since(failed, [one({A: "skipped"})]) == {A}
    assert unproven_since(failed, [one({B: "error"}), one({A: "success"})]) == set()


@given(STATUSES, st.lists(STATUSES, max_size=3))
def test_exactly_what_nobody_has_proven_is_left(first: dict[str, str], later: list[dict[str, str]]) -> None:
    proven = {u for statuses in later for u, status in statuses.items() if status in PROVEN_STATUSES}
    failed = {u for u, status in first.items() if status not in PROVEN_STATUSES}
    assert unproven_since(one(first), [one(statuses) for statuses in later]) == failed - proven


@pytest.mark.parametrize("command", ["compile", "clone", "generate", "freshness"])
def test_a_command_that_builds_nothing_proves_nothing_for_one_that_does(command: str) -> None:
    assert unproven_since(one({A: "error"}), [one({A: "success"}, command=command)]) == {A}
    assert not unproven_since(one({A: "error"}, command=command), [one({A: "success"}, command=command)])
    assert not unproven_since(one({A: "error"}, command=command), [one({A: "success"})])


@pytest.mark.parametrize("place", [{"target": "prod"}, {"profile": "other"}])
def test_another_place_proves_nothing_here(place: dict[str, str]) -> None:
    assert unproven_since(one({A: "error"}), [one({A: "success"}, **place)]) == {A}


@pytest.mark.parametrize("part", [{"empty": True}, {"sample": "1 day"}])
def test_a_part_of_the_data_proves_nothing_for_the_whole(part: dict[str, Any]) -> None:
    assert unproven_since(one({A: "error"}), [one({A: "success"}, arguments=part)]) == {A}
    assert not unproven_since(one({A: "error"}, arguments=part), [one({A: "success"}, arguments=part)])
    assert not unproven_since(one({A: "error"}, arguments={"empty": False}), [one({A: "success"})])


def test_ephemeral_models_of_a_killed_build_are_not_missed_for_ever() -> None:
    killed = one({A: "success"}, ended=False, selection=frozenset({A, B, VIEW}), expected_nodes=2)
    whole = one({A: "success", B: "success"}, selection=frozenset({A, B, VIEW}), expected_nodes=2)
    assert unproven_since(killed, []) == {B, VIEW}
    assert unproven_since(killed, [whole]) == set()
    cut_short = one({A: "success"}, ended=False, selection=frozenset({A, B, VIEW}), expected_nodes=2)
    assert unproven_since(killed, [cut_short]) == {B, VIEW}


def test_an_unknown_selection_counts_as_one_node() -> None:
    killed = one(ended=False)
    assert len(unproven_since(killed, [])) == 1
    assert len(unproven_since(killed, [one({A: "success"}, command="run"), one(ended=False)])) == 1


@pytest.mark.parametrize(
    "arguments",
    [{}, {"select": ["a"]}, {"selector": "nightly"}, {"resource_types": ["model"]}, {"macro": "op", "args": {"n": 1}}],
)
def test_the_same_command_run_to_its_end_replaces_one_that_was_killed(arguments: dict[str, Any]) -> None:
    killed = one(ended=False, arguments=arguments)
    assert not unproven_since(killed, [one({A: "success"}, arguments=arguments)])
    assert unproven_since(killed, [one({A: "success"}, arguments={"select": ["b"]})])
    assert unproven_since(killed, [one({A: "success"}, arguments={"macro": "other"})])


def test_a_retry_that_learned_the_selection_tells_what_is_left_of_it() -> None:
    killed = invocation("1", recorded=True, ended=False)
    retry = invocation("2", {A: "success"}, recorded=True, whole_selection=frozenset({A}))
    assert not unproven_since(fold([killed, retry]), [])
    failed = invocation("2", {A: "success"}, recorded=True, whole_selection=frozenset({A, B}))
    assert unproven_since(fold([killed, failed]), []) == {B}
