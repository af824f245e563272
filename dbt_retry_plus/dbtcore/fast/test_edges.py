"""The test edges of `dbt build`, without a search of everything upstream for each node.

dbt adds an edge from a test to each node that is downstream of all that the test reads. Here the nodes are gone through
once, from their parents down: what holds for a parent holds for its children.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from typing import Any

import networkx as nx  # type: ignore[import-untyped]  # it ships no types
from dbt.compilation import Linker, _get_tests_for_node
from dbt.node_types import NodeType

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced

_TYPE, _PARENT_TEST = "edge_type", "parent_test"
# Since dbt-core 1.10, which has a second algorithm behind a flag of its own, and before.
_SEARCH = "add_test_edges_1" if hasattr(Linker, "add_test_edges_1") else "add_test_edges"

_Neighbours = Mapping[str, Collection[str]]


class _Downstream:
    """What is known at each node of a graph: the tests that it waits for, and those that it may come to wait for."""

    def __init__(self, graph: nx.DiGraph, manifest: Any) -> None:
        self._successors, self._predecessors = graph._adj, graph._pred  # noqa: SLF001 - where networkx keeps edges
        tests = {name: of_it for name in graph if (of_it := _get_tests_for_node(manifest, name))}
        self._reads = reads = {
            test: set(manifest.nodes[test].depends_on_nodes) for of_it in tests.values() for test in of_it
        }
        # A test of several nodes is awaited where all of them are upstream. Of the others nobody has to know that.
        shared = {test: of_it for test, of_it in reads.items() if len(of_it) > 1 and of_it <= graph.nodes.keys()}
        self._bits = {name: 1 << number for number, name in enumerate(set().union(*shared.values()))}
        self._masks = {test: sum(self._bits[read] for read in of_it) for test, of_it in shared.items()}
        self._single = {name: {test for test in of_it if len(reads[test]) == 1} for name, of_it in tests.items()}
        self._shared = {name: shared.keys() & of_it for name, of_it in tests.items()}
        self._upstream: dict[str, int] = {}
        self._pending: dict[str, set[str]] = {}
        self._below: dict[str, set[str]] = {}
        self.awaited: dict[str, set[str]] = {}

    def find(self) -> dict[str, set[str]]:
        """Return the tests that each node waits for."""
        for name in _from_parents_down(self._successors, self._predecessors):
            # A test that nothing reads waits for nothing itself.
            if self._successors[name] or name not in self._reads:
                self._visit(name)
        return self.awaited

    def _visit(self, name: str) -> None:
        parents = self._predecessors[name]
        upstream = 0
        for parent in parents:
            upstream |= self._upstream[parent]
        pending = _union(self._pending, parents)
        ready = {test for test in pending if self._masks[test] & upstream == self._masks[test]}
        awaited = _union(self._below, parents)
        self.awaited[name] = awaited | ready if ready else awaited
        # What holds for the nodes below.
        self._upstream[name] = upstream | self._bits.get(name, 0)
        self._pending[name] = _with(pending - ready if ready else pending, self._shared.get(name))
        self._below[name] = _with(self.awaited[name], self._single.get(name))


def _from_parents_down(successors: _Neighbours, predecessors: _Neighbours) -> Iterator[str]:
    waiting = {name: len(parents) for name, parents in predecessors.items()}
    ready = [name for name, parents in waiting.items() if not parents]
    for name in ready:
        yield name
        for child in successors[name]:
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)


def _union(found: Mapping[str, set[str]], parents: Collection[str]) -> set[str]:
    """What holds for any of the parents; sets are shared, and never changed."""
    return set().union(*(found[parent] for parent in parents)) if len(parents) != 1 else found[next(iter(parents))]


def _with(known: set[str], more: AbstractSet[str] | None) -> set[str]:
    return known | more if more else known


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
