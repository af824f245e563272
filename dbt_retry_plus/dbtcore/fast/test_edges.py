"""The test edges of `dbt build`, without a search of everything upstream for each node.

dbt adds an edge from a test to each node that is downstream of all that the test reads. Here the nodes are gone through
once, from their parents down: what holds for a parent holds for its children.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import networkx as nx  # type: ignore[import-untyped]  # it ships no types
from dbt.compilation import Linker, _get_tests_for_node
from dbt.node_types import NodeType

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced

_TYPE, _PARENT_TEST = "edge_type", "parent_test"
# Since dbt-core 1.10, which has a second algorithm behind a flag of its own, and before.
_SEARCH = "add_test_edges_1" if hasattr(Linker, "add_test_edges_1") else "add_test_edges"


class _Downstream:
    """What is known at each node of a graph: the tests that it waits for, and those that it may come to wait for."""

    def __init__(self, graph: nx.DiGraph, manifest: Any) -> None:
        self._graph = graph
        self._bits = {name: 1 << number for number, name in enumerate(graph)}
        self._tests = {name: tests for name in graph if (tests := _get_tests_for_node(manifest, name))}
        self._reads = {
            test: set(manifest.nodes[test].depends_on_nodes) for tests in self._tests.values() for test in tests
        }
        self._masks = {
            test: sum(self._bits.get(read, 0) for read in reads) if reads <= self._bits.keys() else -1
            for test, reads in self._reads.items()
        }
        self._ancestors: dict[str, int] = {}
        self._pending: dict[str, set[str]] = {}
        self.awaited: dict[str, set[str]] = {}

    def find(self) -> dict[str, set[str]]:
        """Return the tests that each node waits for."""
        for name in nx.topological_sort(self._graph):
            self._visit(name)
        return self.awaited

    def _visit(self, name: str) -> None:
        ancestors = 0
        pending: set[str] = set()
        awaited: set[str] = set()
        for parent in self._graph.pred[name]:
            ancestors |= self._ancestors[parent] | self._bits[parent]
            pending |= self._pending[parent]
            awaited |= self.awaited[parent]
            for test in self._tests.get(parent, ()):
                (awaited if len(self._reads[test]) == 1 else pending).add(test)
        ready = {test for test in pending if self._masks[test] & ancestors == self._masks[test]}
        self._ancestors[name] = ancestors
        self._pending[name] = pending - ready
        self.awaited[name] = awaited | ready


def _add_test_edges(self: Linker, manifest: Any) -> None:
    awaited = _Downstream(self.graph, manifest).find()
    # In dbt's order: an edge of a test is nothing that another node could be downstream of besides.
    for name in list(self.graph):
        if name in manifest.nodes and manifest.nodes[name].resource_type != NodeType.Test:
            _add_edges(self.graph, awaited.pop(name), name)


def _add_edges(graph: nx.DiGraph, tests: set[str], name: str) -> None:
    """Do what `add_edges_from` does for nodes that are there: there can be hundreds of edges to each."""
    successors, predecessors = graph._adj, graph._pred[name]  # noqa: SLF001 - where networkx keeps edges
    for test in tests:
        known = predecessors.get(test)
        if known is None:
            successors[test][name] = predecessors[test] = {_TYPE: _PARENT_TEST}
        else:
            known[_TYPE] = _PARENT_TEST


@contextmanager
def _one_pass() -> Iterator[None]:
    with replaced(Linker, _SEARCH, _add_test_edges):
        yield


TEST_EDGES = Piece("test_edges", _one_pass, {f"dbt.compilation:Linker.{_SEARCH}": frozenset({"2071623b"})})
