from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.planning.rebuild import RebuildRules, children_of, parents_to_check, with_rebuilt
from dbt_retry_plus.planning.retry_set import fit_to_graph, plan_retry
from dbt_retry_plus.types import Chain, Graph, GraphNode, Invocation, Outcome, Plan, StateComparison
from dbt_retry_plus.words import PROVEN_STATUSES, UNPROVEN_STATUSES, Changed, Reason, RebuildTested

SIZE = 9
IDS = [f"model.shop.m{number}" for number in range(SIZE)]
USUAL = RebuildRules()
STATUSES = sorted(PROVEN_STATUSES | UNPROVEN_STATUSES)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Acyclic: a node has parents of lower numbers only. The last three are tests, which have no children."""
    nodes = {}
    for number, unique_id in enumerate(IDS):
        above = IDS[: min(number, SIZE - 3)]
        parents = tuple(draw(st.lists(st.sampled_from(above), unique=True, max_size=3))) if above else ()
        nodes[unique_id] = GraphNode(unique_id, "test" if number >= SIZE - 3 else "model", parents)
    return nodes


def chain(statuses: dict[str, str], command: str = "build") -> Chain:
    outcomes = {unique_id: Outcome(unique_id, status) for unique_id, status in statuses.items()}
    return Chain((Invocation("1", command, {}, outcomes, source="here"),), outcomes)


def planned(
    graph: Graph, statuses: dict[str, str], changed: set[str], rules: RebuildRules = USUAL
) -> tuple[Plan, Plan]:
    before = fit_to_graph(plan_retry(chain(statuses)), chain(statuses), graph)
    comparison = StateComparison(modified=dict.fromkeys(changed, ("body",)))
    return before, with_rebuilt(before, chain(statuses), graph, comparison, rules)


def above(graph: Graph, unique_id: str) -> set[str]:
    found: set[str] = set()
    waiting = [unique_id]
    while waiting:
        for parent in graph[waiting.pop()].parents:
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found


OUTCOMES = st.dictionaries(st.sampled_from(IDS), st.sampled_from(STATUSES))
SOME = st.sets(st.sampled_from(IDS))
RULES = st.builds(RebuildRules, changed=st.sampled_from(Changed), rebuild_tested=st.sampled_from(RebuildTested))


@given(graphs(), OUTCOMES, SOME, RULES)
def test_nothing_unproven_is_left_out(
    graph: Graph, statuses: dict[str, str], changed: set[str], rules: RebuildRules
) -> None:
    before, after = planned(graph, statuses, changed, rules)
    assert before.nodes.items() <= after.nodes.items()
    assert after.nodes.keys() | after.proven == statuses.keys()
    assert not after.nodes.keys() & after.proven


@given(graphs(), OUTCOMES, SOME)
def test_the_set_is_closed(graph: Graph, statuses: dict[str, str], changed: set[str]) -> None:
    _, after = planned(graph, statuses, changed)
    for unique_id in after.nodes:
        for ancestor in above(graph, unique_id) & statuses.keys():
            assert ancestor in after.nodes or ancestor not in changed, "a changed ancestor"
    for unique_id in after.proven:
        models_above = {a for a in above(graph, unique_id) if graph[a].resource_type == "model"}
        assert not models_above & after.nodes.keys(), "built on data that is about to be replaced"


@given(graphs(), OUTCOMES, SOME, RULES)
def test_every_added_node_has_a_cause_in_the_set(
    graph: Graph, statuses: dict[str, str], changed: set[str], rules: RebuildRules
) -> None:
    before, after = planned(graph, statuses, changed, rules)
    for unique_id in after.nodes.keys() - before.nodes.keys():
        node = after.nodes[unique_id]
        assert node.cause in after.nodes or (rules.changed is Changed.ALL and unique_id in changed)
        assert node.previous_status == statuses[unique_id]
        if node.reason is Reason.DOWNSTREAM:
            assert node.cause in above(graph, unique_id)
        else:
            assert unique_id in changed or node.reason is Reason.PARENT_OF_FAILED_TEST


@given(graphs(), OUTCOMES, SOME, st.sampled_from(IDS), RULES)
def test_adding_a_failure_never_shrinks_it(
    graph: Graph, statuses: dict[str, str], changed: set[str], failed: str, rules: RebuildRules
) -> None:
    _, fewer = planned(graph, statuses, changed, rules)
    _, more = planned(graph, {**statuses, failed: "error"}, changed, rules)
    assert fewer.nodes.keys() | {failed} <= more.nodes.keys()


@given(graphs(), OUTCOMES)
def test_nothing_proven_and_untouched_is_in(graph: Graph, statuses: dict[str, str]) -> None:
    """With nothing changed only what stands on the data of an unproven node is added."""
    before, after = planned(graph, statuses, set())
    failed = {unique_id for unique_id in before.nodes if graph[unique_id].resource_type == "model"}
    for unique_id in after.nodes.keys() - before.nodes.keys():
        assert above(graph, unique_id) & failed


@given(graphs(), OUTCOMES, SOME)
def test_commands_that_build_nothing_rebuild_nothing(graph: Graph, statuses: dict[str, str], changed: set[str]) -> None:
    compiled = chain(statuses, "compile")
    before = fit_to_graph(plan_retry(compiled), compiled, graph)
    after = with_rebuilt(before, compiled, graph, StateComparison(modified=dict.fromkeys(changed, ())), RebuildRules())
    assert after.nodes == before.nodes


def node(unique_id: str, *parents: str, kind: str = "model", ephemeral: bool = False) -> tuple[str, GraphNode]:
    return unique_id, GraphNode(unique_id, kind, parents, ephemeral)


def test_the_unit_tests_of_a_changed_model_run_again_and_those_below_it_do_not() -> None:
    graph = dict(
        [
            node("a"),
            node("b", "a"),
            node("fails", "b"),
            node("unit_a", "a", kind="unit_test"),
            node("unit_b", "b", kind="unit_test"),
        ]
    )
    statuses = {"a": "success", "b": "success", "fails": "error", "unit_a": "pass", "unit_b": "pass"}
    _, after = planned(graph, statuses, {"a"})
    assert after.nodes.keys() == {"a", "b", "fails", "unit_a"}
    assert after.nodes["unit_a"].reason is Reason.DOWNSTREAM


def test_parents_that_nobody_has_built_are_looked_for_through_ephemeral_ones() -> None:
    graph = dict([node("far"), node("thin", "far", ephemeral=True), node("fails", "thin", "old"), node("old")])
    failed = chain({"fails": "error"})
    plan = plan_retry(failed)
    comparison = StateComparison(modified={"fails": ("body",)}, added_parents={"fails": ("thin",)})
    looked_for = parents_to_check(plan, failed, graph, comparison)
    assert looked_for == {"far"}
    after = with_rebuilt(plan, failed, graph, comparison, RebuildRules(), unbuilt=looked_for)
    assert after.nodes["far"].reason is Reason.UNBUILT_PARENT
    assert after.nodes.keys() == {"far", "fails"}


def test_children() -> None:
    assert children_of(dict([node("a"), node("b", "a"), node("c", "a", "b")])) == {"a": ["b", "c"], "b": ["c"]}
