"""`graph.gpickle` without a copy of each edge of the project's graph, and without a memory of every value in it.

dbt copies the whole graph to add to each node its document, writes the copy, and forgets it. Only the nodes of that
copy are others than those of the graph; edges there are many more of, since `dbt build` adds one from each test to each
node that waits for it. Pickle keeps all that it has written, to write it once; of documents, hardly more than the
names of fields comes again.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from dbt.compilation import Linker
from networkx import DiGraph  # type: ignore[import-untyped]  # it ships no types

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced
from dbt_retry_plus.ledger.files import write_atomically

_WRITE = "write_graph"


class _Members:
    """Pickled as the dictionary of what it yields, each member made when its turn comes."""

    def __init__(self, members: Iterator[tuple[str, Any]]) -> None:
        self._members = members

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (), None, None, self._members


def _write_graph(self: Linker, outfile: str, manifest: Any) -> None:
    written = self.graph.__class__(**self.graph.graph)
    # Where networkx keeps nodes and edges; its own methods would copy each document three times.
    written._adj, written._pred = self.graph._adj, _predecessors(self.graph)  # noqa: SLF001

    def write(file: IO[bytes]) -> None:
        pickler = pickle.Pickler(file, protocol=pickle.HIGHEST_PROTOCOL)
        written._node = _Members(_documents(self.graph, manifest, pickler))  # noqa: SLF001
        pickler.dump(written)

    write_atomically(Path(outfile), write, owner_only=False)  # a node without a document leaves the file that was there


def _documents(graph: Any, manifest: Any, pickler: pickle.Pickler) -> Iterator[tuple[str, Any]]:
    """Yield the nodes and their documents, and have pickle remember what is in the first of a kind alone.

    It would keep every value, and look each of them up, for the case that it comes again; the names of fields do.
    """
    known: set[str] = set()
    new_before = True  # of each thousand, pickle asks for the second member before it writes the first
    for name, attributes in graph.nodes(data=True):
        document = manifest.expect(name).to_dict(omit_none=True)
        if attributes:
            document = {**attributes, **document}
        new = not document.keys() <= known
        if new:
            known.update(document)
        pickler.fast = not (new or new_before)
        new_before = new
        yield name, document
    pickler.fast = False


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
