"""The graph that nodes are selected in, without a filter where it would let all of them pass.

dbt selects in a view of the project's graph that leaves disabled nodes out. Mostly there are none, and yet each look at
a node or an edge goes through the filter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from dbt.graph.graph import Graph

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced

_SUBGRAPH = "subgraph"


@contextmanager
def _without_a_filter() -> Iterator[None]:
    dbts_own = vars(Graph)[_SUBGRAPH]

    def subgraph(self: Graph, nodes: Iterable[str]) -> Graph:
        members = set(nodes)
        return Graph(self.graph) if members >= self.graph.nodes else dbts_own(self, members)

    with replaced(Graph, _SUBGRAPH, subgraph):
        yield


GRAPH_MEMBERS = Piece(
    "graph_members", _without_a_filter, {f"dbt.graph.graph:Graph.{_SUBGRAPH}": frozenset({"2d3a4092"})}
)
