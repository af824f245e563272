"""What plugins do to a plan, and the rules that nodes set for themselves."""

from __future__ import annotations

from dbt_retry_plus.planning.amend import amended
from dbt_retry_plus.planning.rebuild import RebuildRules, proven_above, with_rebuilt
from dbt_retry_plus.types import (
    Addition,
    Chain,
    Graph,
    GraphNode,
    Invocation,
    Outcome,
    Plan,
    PlannedNode,
    Removal,
    StateComparison,
)
from dbt_retry_plus.words import Changed, Reason, RebuildTested

# top → middle → failed, with a test of `middle` that failed too
GRAPH: Graph = {
    node.unique_id: node
    for node in (
        GraphNode("model.top", "model"),
        GraphNode("model.passing", "model", ("model.top",), ephemeral=True),
        GraphNode("model.middle", "model", ("model.passing",)),
        GraphNode("model.failed", "model", ("model.middle",)),
        GraphNode("model.aside", "model"),
        GraphNode("test.middle", "test", ("model.middle",)),
    )
}
PROVEN = ("model.top", "model.middle", "model.aside")
OUTCOMES = {
    **{u: Outcome(u, "success") for u in PROVEN},
    "model.failed": Outcome("model.failed", "error"),
    "test.middle": Outcome("test.middle", "fail"),
}
CHAIN = Chain((Invocation("i", "build", {}, OUTCOMES, "journal"),), OUTCOMES)
PLAN = Plan(nodes={u: PlannedNode(u, Reason.FAILED) for u in ("model.failed", "test.middle")}, proven=frozenset(PROVEN))


def nodes(plan: Plan) -> dict[str, Reason]:
    return {u: node.reason for u, node in plan.nodes.items()}


def test_what_is_taken_out_is_left_out_and_named() -> None:
    plan = amended(PLAN, CHAIN, GRAPH, [("freeze", Removal("model.failed", "it is late"))])
    assert nodes(plan) == {"test.middle": Reason.FAILED}
    assert plan.left_out == {"model.failed"}
    assert [f.message for f in plan.findings] == ["The plugin freeze takes out model.failed: it is late."]


def test_what_is_asked_for_is_no_longer_proven() -> None:
    plan = amended(PLAN, CHAIN, GRAPH, [("freeze", Addition("model.aside", "why not"))])
    assert plan.nodes["model.aside"] == PlannedNode("model.aside", Reason.PLUGIN, "freeze", "success")
    assert plan.proven == {"model.top", "model.middle"}


def test_what_does_not_exist_or_runs_already_changes_nothing() -> None:
    asked = [
        ("p", Addition("model.nowhere", "x")),
        ("p", Addition("model.failed", "x")),
        ("p", Removal("model.top", "x")),
    ]
    plan = amended(PLAN, CHAIN, GRAPH, asked)
    assert (plan.nodes, plan.left_out, plan.proven) == (PLAN.nodes, PLAN.left_out, PLAN.proven)
    assert [f.code for f in plan.findings] == ["p/addition"]


def test_of_two_plugins_the_last_one_counts() -> None:
    taken = ("a", Removal("model.failed", "x"))
    assert "model.failed" not in amended(PLAN, CHAIN, GRAPH, [("b", Addition("model.failed", "y")), taken]).nodes


def test_proven_data_above_the_retry_set_is_found_through_ephemeral_models() -> None:
    assert proven_above(PLAN, GRAPH) == {"model.top", "model.middle"}


def test_what_the_warehouse_lacks_is_rebuilt_with_what_is_below_it() -> None:
    plan = with_rebuilt(PLAN, CHAIN, GRAPH, StateComparison(), RebuildRules(), frozenset({"model.middle"}))
    assert plan.nodes["model.middle"] == PlannedNode(
        "model.middle", Reason.UNBUILT_PARENT, plan.nodes["model.middle"].cause, "success"
    )
    assert plan.proven == {"model.top", "model.aside"}


def changed(node: str, own: Changed | None = None, test: RebuildTested | None = None, **rules: object) -> set[str]:
    graph = {
        u: GraphNode(u, n.resource_type, n.parents, n.ephemeral, own if u == node else None, test)
        for u, n in GRAPH.items()
    }
    comparison = StateComparison(modified={node: ("body",)})
    plan = with_rebuilt(PLAN, CHAIN, graph, comparison, RebuildRules(**rules))  # type: ignore[arg-type]
    return plan.nodes.keys() - PLAN.nodes.keys()


def test_a_node_that_says_none_is_not_rebuilt_unless_the_command_line_says_otherwise() -> None:
    assert changed("model.top") == {"model.top", "model.middle"}
    assert changed("model.top", Changed.NONE) == set()
    assert changed("model.top", Changed.NONE, over_nodes=frozenset({"changed"})) == {"model.top", "model.middle"}


def test_a_node_that_says_ancestors_is_rebuilt_although_settings_say_none() -> None:
    assert changed("model.top", changed=Changed.NONE) == set()
    assert changed("model.top", Changed.ANCESTORS, changed=Changed.NONE) == {"model.top", "model.middle"}


def test_a_test_has_a_rule_of_its_own() -> None:
    only_test = Plan(nodes={"test.middle": PLAN.nodes["test.middle"]}, proven=PLAN.proven)
    graph = {
        **GRAPH,
        "test.middle": GraphNode("test.middle", "test", ("model.middle",), rebuild_tested=RebuildTested.ALWAYS),
    }
    plan = with_rebuilt(only_test, CHAIN, graph, StateComparison(), RebuildRules())
    assert nodes(plan)["model.middle"] is Reason.PARENT_OF_FAILED_TEST
    given = RebuildRules(over_nodes=frozenset({"rebuild_tested"}))
    assert "model.middle" not in with_rebuilt(only_test, CHAIN, graph, StateComparison(), given).nodes
