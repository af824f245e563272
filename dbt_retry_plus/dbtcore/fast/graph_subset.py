"""The graph of the retry set, found from its nodes downwards.

dbt copies the whole project's graph and removes one node after the other, joining the parents of each to its children.
What is left is an edge from one wanted node to another wherever a path through unwanted nodes, or through none, leads
there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from typing import Any

from dbt.graph.graph import Graph

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced

_SUBSET = "get_subset_graph"


def _subset_graph(self: Graph, included: AbstractSet[str]) -> Graph:
    whole = self.graph
    wanted = [name for name in whole if name in included]
    subset = whole.__class__()
    subset.graph.update(whole.graph)
    subset.add_nodes_from((name, whole.nodes[name]) for name in wanted)
    below = _next_wanted(whole, wanted)
    for name in wanted:
        edges = whole.succ[name]
        # Only an edge that was there knows anything, such as that it is a test's.
        subset.add_edges_from((name, child, dict(edges.get(child, {}))) for child in _named(below[name], wanted))
    return Graph(subset)


def _next_wanted(whole: Any, wanted: Sequence[str]) -> dict[str, int]:
    """For each node at or below a wanted one: a bit for each wanted node that comes next."""
    bits = {name: 1 << number for number, name in enumerate(wanted)}
    found: dict[str, int] = {}
    for start in wanted:
        waiting = [] if start in found else [(start, iter(whole.succ[start]))]
        while waiting:
            name, children = waiting[-1]
            child = next((child for child in children if child not in found), None)
            if child is not None:
                waiting.append((child, iter(whole.succ[child])))
                continue
            waiting.pop()
            below = 0
            for child in whole.succ[name]:
                below |= bits.get(child) or found[child]
            found[name] = below
    return found


def _named(bits: int, names: Sequence[str]) -> Iterator[str]:
    while bits:
        lowest = bits & -bits
        yield names[lowest.bit_length() - 1]
        bits ^= lowest


@contextmanager
def _from_its_nodes() -> Iterator[None]:
    dbts_own = vars(Graph)[_SUBSET]

    def subset_graph(self: Graph, selected: Iterable[str]) -> Graph:
        included = set(selected)
        # Of what it does not find, dbt says so itself.
        return _subset_graph(self, included) if included <= self.graph.nodes else dbts_own(self, included)

    with replaced(Graph, _SUBSET, subset_graph):
        yield


GRAPH_SUBSET = Piece(
    "graph_subset", _from_its_nodes, {f"dbt.graph.graph:Graph.{_SUBSET}": frozenset({"eec60891", "2da1b9c5"})}
)
