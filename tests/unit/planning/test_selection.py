from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.commands import RETRYABLE_COMMANDS
from dbt_retry_plus.planning.selection import complete_chain
from dbt_retry_plus.types import Chain, Finding, Graph, Invocation
from dbt_retry_plus.words import NOT_STARTED, Severity
from tests.support.ledgers import chain, graph, invocation

A, B, C = "model.shop.a", "model.shop.b", "model.shop.c"
UNIT_A, UNIT_B = "unit_test.shop.a", "unit_test.shop.b"
TEST, SEED, SOURCE, HOOK = "test.shop.t", "seed.shop.s", "source.shop.raw.r", "operation.shop.shop-on-run-end-0"
EPHEMERAL = "model.shop.view"
SHOP = graph(
    *(A, B, C, UNIT_A, UNIT_B, TEST, SEED, SOURCE, HOOK, "exposure.shop.e"),
    ephemeral=(EPHEMERAL,),
    parents={UNIT_A: (A,), UNIT_B: (B,)},
)


def completed(
    original: Invocation | Chain, resolved: Any = None, before: Any = None, today: Graph = SHOP
) -> tuple[Chain, tuple[Finding, ...]]:
    whole = original if isinstance(original, Chain) else chain(original)
    resolution = None if resolved is None else frozenset(resolved)
    known = None if before is None else frozenset(before)
    return complete_chain(whole, today, resolution, lambda: known)


def killed(*done: str, **changes: Any) -> Invocation:
    return invocation("0123456789", dict.fromkeys(done, "success"), **{"recorded": True, "ended": False, **changes})


def not_started_in(whole: Chain) -> set[str]:
    return {unique_id for unique_id, outcome in whole.outcomes.items() if outcome.status == NOT_STARTED}


def test_a_chain_that_tells_all_stays_as_it_is() -> None:
    def never() -> None:
        pytest.fail("looked up")

    whole = chain(invocation("1", {A: "success"}, recorded=True))
    assert complete_chain(whole, SHOP, frozenset({B}), never) == (whole, ())


def test_recorded_selections_are_taken_as_they_are() -> None:
    whole, findings = completed(killed(A, command="run", selection=frozenset({A, B})), [A, B, C])
    assert not_started_in(whole) == {B}
    assert whole.outcomes[A].proven
    assert not findings


def test_ephemeral_models_are_never_run() -> None:
    whole, _ = completed(killed(command="run", selection=frozenset({A, EPHEMERAL})))
    assert whole.outcomes.keys() == {A}


def test_an_ephemeral_model_that_has_an_outcome_keeps_it() -> None:
    original = invocation("1", {EPHEMERAL: "error"}, recorded=True, ended=False, selection=frozenset({EPHEMERAL}))
    assert completed(original)[0].outcomes[EPHEMERAL].status == "error"


def test_a_recorded_node_that_is_gone_stays_in_the_chain() -> None:
    whole, _ = completed(killed(command="run", selection=frozenset({"model.shop.renamed"})))
    assert not_started_in(whole) == {"model.shop.renamed"}


def test_a_build_has_the_unit_tests_of_its_selection() -> None:
    whole, findings = completed(killed(selection=frozenset({A})), [A, UNIT_A, B])
    assert not_started_in(whole) == {A, UNIT_A}
    assert not findings


def test_a_build_that_cannot_be_resolved_has_the_unit_tests_of_its_models() -> None:
    assert not_started_in(completed(killed(selection=frozenset({A})))[0]) == {A, UNIT_A}


def test_other_commands_have_no_unit_tests_beyond_their_record() -> None:
    assert not_started_in(completed(killed(command="test", selection=frozenset({TEST})), [TEST, UNIT_A])[0]) == {TEST}


@pytest.mark.parametrize(
    ("command", "selected"),
    [
        ("build", {A, B, C, UNIT_A, UNIT_B, TEST, SEED}),
        ("run", {A, B, C}),
        ("test", {TEST, UNIT_A, UNIT_B}),
        ("seed", {SEED}),
        ("clone", {A, B, C, SEED}),
        ("compile", {A, B, C, TEST, SEED, EPHEMERAL}),
        ("generate", {A, B, C, TEST, SEED, EPHEMERAL}),
        ("freshness", {SOURCE}),
        ("snapshot", set()),
    ],
)
def test_what_cannot_be_resolved_any_more_is_all_that_the_command_can_run(command: str, selected: set[str]) -> None:
    whole, (finding,) = completed(killed(command=command))
    assert not_started_in(whole) == selected
    assert (finding.severity, finding.code) == (Severity.WARNING, "selection-unknown")
    assert "(01234567) had selected is not on record" in finding.sentence


def test_a_resolved_selection_with_the_announced_number_of_nodes_is_it() -> None:
    whole, findings = completed(killed(A, expected_nodes=2), [A, B, UNIT_A, EPHEMERAL])
    assert not_started_in(whole) == {B, UNIT_A}
    assert not findings


def test_a_selection_of_unknown_size_is_what_it_resolves_to() -> None:
    whole, findings = completed(killed(command="run"), [A, B])
    assert not_started_in(whole) == {A, B}
    assert not findings


def test_a_selection_that_grew_is_run_as_it_is_now() -> None:
    whole, (finding,) = completed(killed(A, expected_nodes=1), [A, B])
    assert not_started_in(whole) == {B}
    assert finding.code == "selection-changed"
    assert "had selected 1 nodes, and its selection has 2 now." in finding.message


def test_a_selection_that_shrank_may_miss_any_node() -> None:
    whole, (finding,) = completed(killed(A, command="run", expected_nodes=3), [A, B])
    assert not_started_in(whole) == {B, C}
    assert finding.code == "selection-changed"
    assert "selected 3 nodes, and its selection has 2 now, so all that the command can run" in finding.message


def test_unrecorded_results_that_name_every_selected_node_are_complete() -> None:
    whole, findings = completed(invocation("1", {A: "success", B: "error"}), [A, B, EPHEMERAL], before=[A])
    assert not_started_in(whole) == set()
    assert not findings


def test_unrecorded_results_lack_what_the_project_had_then() -> None:
    whole, findings = completed(invocation("1", {A: "success"}), [A, B, C], before=[A, B])
    assert not_started_in(whole) == {B}
    assert not findings


def test_unrecorded_results_lack_all_that_is_selected_where_then_is_unknown() -> None:
    assert not_started_in(completed(invocation("1", {A: "success"}), [A, B, C])[0]) == {B, C}


def test_unrecorded_results_are_all_there_is_where_the_selection_cannot_be_resolved() -> None:
    whole, (finding,) = completed(invocation("1", {A: "success", B: "error"}))
    assert whole.outcomes.keys() == {A, B}
    assert finding.code == "not-recorded"
    assert "it may have selected more" in finding.message


def test_an_unrecorded_dbt_retry_is_not_taken_for_the_whole_command() -> None:
    arguments = {"invocation_command": "dbt retry --threads 1"}
    whole, (finding,) = completed(invocation("1", {A: "error"}, arguments=arguments), [A, B])
    assert whole.outcomes.keys() == {A}
    assert finding.code == "not-recorded"
    assert "what that did not run counts as proven" in finding.message


@pytest.mark.parametrize("typed", ["dbt build --select retry", "dbt -q run -s retry+", "dbt retry-plus", None])
def test_a_node_of_that_name_makes_no_dbt_retry_of_it(typed: str | None) -> None:
    whole, findings = completed(invocation("1", {A: "error"}, arguments={"invocation_command": typed}), [A, B])
    assert not_started_in(whole) == {B}
    assert not findings


NODES = st.frozensets(st.sampled_from(sorted(SHOP)))
MAYBE = st.none() | NODES


@given(
    st.sampled_from(sorted(RETRYABLE_COMMANDS - {"run-operation"})),
    st.booleans(),
    st.booleans(),
    NODES,
    MAYBE,
    MAYBE,
    MAYBE,
    st.none() | st.integers(0, 10),
)
def test_no_selected_node_is_lost(
    command: str,
    recorded: bool,
    ended: bool,
    done: frozenset[str],
    selection: Any,
    resolved: Any,
    before: Any,
    expected: int | None,
) -> None:
    original = invocation(
        "1",
        dict.fromkeys(done, "success"),
        command=command,
        recorded=recorded,
        ended=ended,
        selection=selection,
        expected_nodes=expected,
    )
    whole, findings = completed(original, resolved, before)
    assert whole.outcomes.keys() >= done
    assert all(whole.outcomes[unique_id] == original.outcomes[unique_id] for unique_id in done)
    assert not any(whole.outcomes[unique_id].proven for unique_id in whole.outcomes.keys() - done)
    assert all(finding.severity is Severity.WARNING and finding.sentence.endswith(".") for finding in findings)
    if original.tells_all:
        return
    if selection is not None:
        wanted = selection
    elif resolved is None:
        wanted = frozenset()
        assert "selection-unknown" in {f.code for f in findings} or not recorded
    elif recorded or before is None or resolved <= done:
        wanted = resolved
    else:
        wanted = resolved & before
    assert whole.outcomes.keys() >= wanted - {EPHEMERAL}
