"""Pieces that go around work of dbt's which changes nothing: what they answer is what dbt answers."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import networkx as nx
import pytest
from dbt.adapters.base import relation
from dbt.contracts.graph import manifest as manifest_module
from dbt.graph import selector_methods
from dbt.graph.graph import Graph
from dbt.graph.selector import NodeSelector
from dbt.graph.selector_spec import IndirectSelection
from dbt.node_types import NodeType

from dbt_retry_plus.dbtcore.fast.graph_file import GRAPH_FILE
from dbt_retry_plus.dbtcore.fast.graph_members import GRAPH_MEMBERS
from dbt_retry_plus.dbtcore.fast.node_edges import NODE_EDGES
from dbt_retry_plus.dbtcore.fast.relation_quoting import RELATION_QUOTING
from dbt_retry_plus.dbtcore.fast.select_all import SELECT_ALL
from dbt_retry_plus.dbtcore.running import dbt_minor

MINOR = dbt_minor()
DBTS_EDGES = manifest_module.build_node_edges


class Quoting(dict[str, Any]):
    """Not a plain mapping."""


@pytest.mark.parametrize(
    "mappings",
    [
        (),
        ({"schema": True},),
        ({"database": True, "schema": True}, {"schema": False}, {}, {"identifier": None}),
        ({"a": "b", "c": 1}, {"d": True, "a": "e"}),
        ({"nested": {"a": 1}}, {"nested": {"b": 2}}),
        ({"listed": [1]}, {"listed": [2]}),
        ({"schema": True}, Quoting(schema=False)),
        ({"schema": True}, None),
    ],
)
def test_quoting_is_merged_as_dbt_merges_it(mappings: tuple[Any, ...]) -> None:
    expected = relation.deep_merge(*mappings)
    with RELATION_QUOTING.enter():
        merged = relation.deep_merge(*mappings)
    assert merged == expected and type(merged) is type(expected)
    assert list(merged or ()) == list(expected or ())


def test_merged_quoting_belongs_to_nobody_else() -> None:
    first: dict[str, bool] = {"schema": True}
    with RELATION_QUOTING.enter():
        relation.deep_merge(first)["database"] = False
        relation.deep_merge(first, {"identifier": True})["database"] = False
    assert first == {"schema": True}


@pytest.mark.parametrize("members", [{"a", "b", "c"}, {"a", "b", "c", "gone"}, {"a", "c"}, {"b"}, set()])
def test_the_graph_of_the_members_is_dbts(members: set[str]) -> None:
    whole = nx.DiGraph([("a", "b"), ("b", "c")])
    expected = Graph(whole).subgraph(members)
    with GRAPH_MEMBERS.enter():
        found = Graph(whole).subgraph(members)
    assert list(found) == list(expected) and list(found.edges()) == list(expected.edges())
    assert found.select_successors(found.nodes()) == expected.select_successors(expected.nodes())
    assert found.select_parents(found.nodes()) == expected.select_parents(expected.nodes())


def test_no_filter_stands_before_a_graph_of_members_alone() -> None:
    whole = nx.DiGraph([("a", "b")])
    with GRAPH_MEMBERS.enter():
        assert Graph(whole).subgraph({"a", "b"}).graph is whole
        assert Graph(whole).subgraph({"a"}).graph is not whole


@pytest.mark.parametrize("selector", ["*", "**", "?*", "p", "p.*", "m", "*.m", "[m]", "p.f.m", "m_v2", ""])
@pytest.mark.parametrize("fqn", [[], ["m"], ["p", "m"], ["p", "f", "m"], ["p", "f.g", "m\nn"], ["p", "m", "v2"], [""]])
@pytest.mark.parametrize("is_versioned", [False, True])
def test_a_name_is_selected_where_dbt_selects_it(selector: str, fqn: list[str], is_versioned: bool) -> None:
    def answer() -> bool | str:
        try:
            return selector_methods.is_selected_node(fqn, selector, is_versioned)
        except IndexError as error:
            return str(error)

    expected = answer()
    with SELECT_ALL.enter():
        assert answer() == expected


def nodes_with(parents: dict[str, list[str]]) -> list[Any]:
    return [SimpleNamespace(unique_id=name, depends_on_nodes=of_it) for name, of_it in parents.items()]


def test_the_edges_between_nodes_are_dbts_after_every_change() -> None:
    parents = {"c": ["a", "b"], "a": [], "b": ["a", "gone"], "d": ["c", "a"]}
    steps: list[Callable[[], object]] = [
        lambda: None,
        lambda: parents["d"].append("b"),
        lambda: parents["d"].__setitem__(0, "gone"),
        lambda: parents.__setitem__("e", ["d"]),
        lambda: parents.pop("a"),
        parents["b"].clear,
    ]
    with NODE_EDGES.enter():
        for step in steps:
            step()
            for _ in range(2):
                found = manifest_module.build_node_edges(nodes_with(parents))
                assert_dbts(found, parents)
                found[0]["c"].append("mine")  # who asks may do with the answer as it likes
                found[1].clear()


def assert_dbts(found: Any, parents: dict[str, list[str]]) -> None:
    expected = DBTS_EDGES(nodes_with(parents))
    assert found == expected and type(found) is type(expected)
    assert [list(edges) for edges in found] == [list(edges) for edges in expected]


def test_a_dbt_that_merges_quoting_elsewhere_keeps_the_piece_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(relation, "deep_merge")
    assert "relation:deep_merge is not as it was" in str(RELATION_QUOTING.obstacle(MINOR))


def test_a_networkx_that_keeps_successors_apart_keeps_the_graph_file_dbts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert GRAPH_FILE.obstacle(MINOR) is None
    monkeypatch.delattr(nx.DiGraph, "_adj")
    assert GRAPH_FILE.obstacle(MINOR) is not None


EDGES = [("model.a", "model.b"), ("model.a", "test.of_a"), ("model.a", "test.of_both"), ("model.b", "test.of_both")]


@pytest.mark.parametrize("mode", list(IndirectSelection))
@pytest.mark.parametrize(
    "selected",
    [
        {"model.a", "model.b", "test.of_a", "test.of_both"},
        {"model.a", "model.b"},
        {"model.a"},
        {"test.of_a"},
        set(),
    ],
    ids=len,
)
def test_a_selection_is_expanded_as_dbt_expands_it(selected: set[str], mode: IndirectSelection) -> None:
    parents = {name: [parent for parent, child in EDGES if child == name] for edge in EDGES for name in edge}
    nodes = {
        name: SimpleNamespace(resource_type=NodeType(name.partition(".")[0]), depends_on_nodes=of_it)
        for name, of_it in parents.items()
    }
    manifest = SimpleNamespace(nodes=nodes, unit_tests={}, sources={})
    selector: Any = SimpleNamespace(graph=Graph(nx.DiGraph(EDGES)), manifest=manifest)
    expected = NodeSelector.expand_selection(selector, selected, mode)
    given = set(selected)
    with SELECT_ALL.enter():
        found = NodeSelector.expand_selection(selector, selected, mode)
    assert found == expected
    found[0].add("another")
    assert selected == given
