"""`graph.gpickle` without a copy of each edge of the project's graph.

dbt copies the whole graph to add to each node its document, writes the copy, and forgets it. Only the nodes of that
copy are others than those of the graph; edges there are many more of, since `dbt build` adds one from each test to each
node that waits for it.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dbt.compilation import Linker
from networkx import DiGraph  # type: ignore[import-untyped]  # it ships no types

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced

_WRITE = "write_graph"


def _write_graph(self: Linker, outfile: str, manifest: Any) -> None:
    written = self.graph.__class__(**self.graph.graph)
    # Where networkx keeps nodes and edges; its own methods would copy each document three times.
    written._node = {  # noqa: SLF001
        name: {**attributes, **manifest.expect(name).to_dict(omit_none=True)}
        for name, attributes in self.graph.nodes(data=True)
    }
    written._adj, written._pred = self.graph._adj, _predecessors(self.graph)  # noqa: SLF001
    with Path(outfile).open("wb") as file:
        pickle.dump(written, file, protocol=pickle.HIGHEST_PROTOCOL)


def _predecessors(graph: Any) -> dict[str, dict[str, Any]]:
    """The edges by their ends, in the order in which a copy has them."""
    found: dict[str, dict[str, Any]] = {name: {} for name in graph}
    for name, children in graph.adjacency():
        for child, said in children.items():
            found[child][name] = said
    return found


@contextmanager
def _with_its_edges() -> Iterator[None]:
    with replaced(Linker, _WRITE, _write_graph):
        yield


def _edges_are_successors() -> bool:
    """Whether a graph that is given edges knows its successors by that: before networkx 2.8 it did not."""
    return "_adj" in vars(DiGraph)


GRAPH_FILE = Piece(
    "graph_file",
    _with_its_edges,
    {f"dbt.compilation:Linker.{_WRITE}": frozenset({"63285fde"})},
    fits=_edges_are_successors,
)
