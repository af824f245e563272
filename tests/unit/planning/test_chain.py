from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.planning.chain import absent, chain_of, chains_of, fold, not_started
from dbt_retry_plus.types import Invocation, Outcome
from dbt_retry_plus.words import NOT_STARTED, PROVEN_STATUSES, UNPROVEN_STATUSES
from tests.support.ledgers import invocation

HOOK = "operation.shop.shop-on-run-end-0"
IDS = st.sampled_from([f"model.shop.m{number}" for number in range(6)])
STATUSES = st.sampled_from(sorted(PROVEN_STATUSES | UNPROVEN_STATUSES))
SELECTIONS = st.none() | st.frozensets(IDS)


@st.composite
def links(draw: st.DrawFn) -> Invocation:
    return invocation(
        draw(st.text("0123456789", min_size=1, max_size=3)),
        draw(st.dictionaries(IDS, STATUSES)),
        ended=draw(st.booleans()),
        recorded=draw(st.booleans()),
        selection=draw(SELECTIONS),
        whole_selection=draw(SELECTIONS),
        expected_nodes=draw(st.none() | st.integers(0, 6)),
    )


CHAINS = st.lists(links(), min_size=1, max_size=4)
LEDGERS = st.dictionaries(st.sampled_from("abcdefg"), st.none() | st.sampled_from("abcdefgxyz"))


def statuses_of(outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    return {unique_id: outcome.status for unique_id, outcome in outcomes.items()}


@given(LEDGERS)
def test_every_invocation_is_in_one_chain(retried: dict[str, str | None]) -> None:
    chains = chains_of(retried)
    assert sorted(link for chain in chains for link in chain) == sorted(retried)
    for invocation_id in retried:
        assert [chain for chain in chains if invocation_id in chain] == [chain_of(invocation_id, retried)]


@given(LEDGERS)
def test_a_retry_is_in_the_chain_of_what_it_retried_and_after_it(retried: dict[str, str | None]) -> None:
    for retry, previous in retried.items():
        if previous in retried:
            chain = chain_of(retry, retried)
            assert previous in chain
            if not in_circle(previous, retried):
                assert chain.index(previous) < chain.index(retry)


def in_circle(link: str, retried: Mapping[str, str | None]) -> bool:
    seen = set()
    current: str | None = link
    while current is not None and current not in seen:
        seen.add(current)
        current = retried.get(current)
    return current == link


def test_a_chain_is_in_the_order_of_the_ledger() -> None:
    retried = {"build": None, "other": None, "first": "build", "second": "first", "again": "build"}
    assert chain_of("second", retried) == ("build", "first", "second", "again")
    assert chain_of("other", retried) == ("other",)


def test_a_clock_that_is_behind_puts_no_retry_before_what_it_retried() -> None:
    assert chain_of("build", {"second": "first", "first": "build", "build": None}) == ("build", "first", "second")


def test_retries_of_what_is_gone_stay_together() -> None:
    retried = {"first": "gone", "other": "also gone", "second": "first", "again": "gone"}
    assert chain_of("again", retried) == ("first", "second", "again")


def test_a_circle_ends() -> None:
    retried: dict[str, str | None] = {"a": "b", "b": "a", "c": "a", "d": "d"}
    assert set(chain_of("a", retried)) == set(chain_of("b", retried)) == set(chain_of("c", retried)) == {"a", "b", "c"}
    assert chain_of("d", retried) == ("d",)


def test_what_is_not_on_the_ledger_is_in_no_chain() -> None:
    assert chain_of("gone", {"retry": "gone"}) == ()


def test_a_long_chain_is_no_deep_recursion() -> None:
    newest_first = {str(number): str(number - 1) for number in range(5000, 0, -1)}
    assert chain_of("5000", newest_first) == tuple(str(number) for number in range(1, 5001))


@given(CHAINS)
def test_the_newest_outcome_of_a_node_counts(chain: list[Invocation]) -> None:
    for unique_id, outcome in fold(chain).outcomes.items():
        newest = next((link.outcomes[unique_id] for link in reversed(chain) if unique_id in link.outcomes), None)
        assert outcome == newest or outcome.status == NOT_STARTED


@given(CHAINS)
def test_nothing_is_proven_without_a_proof_that_nothing_later_revokes(chain: list[Invocation]) -> None:
    for unique_id, outcome in fold(chain).outcomes.items():
        if outcome.proven:
            tells = [number for number, link in enumerate(chain) if unique_id in link.outcomes]
            assert chain[tells[-1]].outcomes[unique_id].proven
            assert not any(unique_id in not_started(link) for link in chain[tells[-1] + 1 :])


@given(CHAINS, links())
def test_a_further_link_proves_only_what_it_proved_itself(chain: list[Invocation], further: Invocation) -> None:
    before, after = fold(chain).outcomes, fold([*chain, further]).outcomes
    for unique_id, outcome in after.items():
        if outcome.proven and not (unique_id in before and before[unique_id].proven):
            assert further.outcomes[unique_id].proven


@given(CHAINS)
def test_the_whole_selection_is_in_the_outcomes(chain: list[Invocation]) -> None:
    folded = fold(chain)
    wholes = [link.whole_selection for link in chain if link.whole_selection is not None]
    assert folded.original is chain[0]
    assert folded.latest is chain[-1]
    if wholes:
        assert folded.tells_all
        assert folded.outcomes.keys() >= wholes[-1]
        assert {u for u, o in folded.outcomes.items() if o.status == NOT_STARTED and not told(u, chain)} <= wholes[-1]


def test_hooks_that_were_to_be_compiled_are_not_lost() -> None:
    killed = invocation("1", {}, command="compile", ended=False, recorded=True, selection=frozenset({HOOK, "model.a"}))
    retry = invocation("2", {}, command="compile", ended=False, recorded=True, whole_selection=frozenset({"model.a"}))
    assert statuses_of(fold([killed, retry]).outcomes) == dict.fromkeys([HOOK, "model.a"], NOT_STARTED)


@pytest.mark.parametrize(("command", "told_all"), [("compile", True), ("generate", True), ("build", False)])
def test_dbt_announces_hooks_where_it_only_compiles(command: str, told_all: bool) -> None:
    statuses = {HOOK: "success", "model.a": "success"}
    assert invocation("1", statuses, command=command, recorded=True, expected_nodes=2).tells_all == told_all


def told(unique_id: str, chain: list[Invocation]) -> bool:
    return any(unique_id in link.outcomes for link in chain)


@given(links())
def test_no_selected_node_of_one_invocation_is_lost(link: Invocation) -> None:
    if link.selection is not None and link.whole_selection is None and not link.tells_all:
        assert fold([link]).outcomes.keys() == link.outcomes.keys() | link.selection


@given(links())
def test_an_invocation_that_tells_all_it_announced_left_nothing_unstarted(link: Invocation) -> None:
    known = link.selection is None or (link.tells_all and link.expected_nodes is not None)
    expected = frozenset() if known else (link.selection or frozenset()) - link.outcomes.keys()
    assert statuses_of(not_started(link)) == dict.fromkeys(expected, NOT_STARTED)


@given(st.frozensets(IDS), st.dictionaries(IDS, STATUSES))
def test_absent_are_the_selected_ones_without_an_outcome(selection: frozenset[str], statuses: dict[str, str]) -> None:
    outcomes = invocation("1", statuses).outcomes
    missing = absent(selection, outcomes)
    assert missing.keys() == selection - outcomes.keys()
    assert not any(outcome.proven for outcome in missing.values())


def test_a_killed_retry_does_not_forget_what_it_had_begun_anew() -> None:
    build = invocation("1", {"model.shop.a": "success", "model.shop.b": "error"}, recorded=True)
    retry = invocation("2", {}, ended=False, recorded=True, selection=frozenset({"model.shop.a", "model.shop.b"}))
    assert statuses_of(fold([build, retry]).outcomes) == dict.fromkeys(["model.shop.a", "model.shop.b"], NOT_STARTED)


def test_a_retry_knows_which_selected_nodes_are_never_run() -> None:
    killed = invocation("1", {}, ended=False, recorded=True, selection=frozenset({"model.shop.a", "model.shop.view"}))
    retry = invocation("2", {"model.shop.a": "success"}, recorded=True, whole_selection=frozenset({"model.shop.a"}))
    assert statuses_of(fold([killed, retry]).outcomes) == {"model.shop.a": "success"}
