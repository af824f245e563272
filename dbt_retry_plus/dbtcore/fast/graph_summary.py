"""`graph_summary.json` without turning each node into a document for the sake of its type."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dbt.compilation import Linker

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced

_SUMMARY = "get_graph_summary"


def _graph_summary(self: Linker, manifest: Any) -> dict[int, dict[str, Any]]:
    index = {name: number for number, name in enumerate(self.graph)}
    nodes = manifest.nodes
    summary: dict[int, dict[str, Any]] = {}
    for (name, successors), number in zip(self.graph.adjacency(), index.values(), strict=True):
        member = nodes[name] if name in nodes else manifest.expect(name)
        node: dict[str, Any] = {"name": name, "type": member.resource_type.value}
        if successors:
            node["succ"] = [index[successor] for successor in successors]
        summary[number] = node
    return summary


@contextmanager
def _without_documents() -> Iterator[None]:
    with replaced(Linker, _SUMMARY, _graph_summary):
        yield


GRAPH_SUMMARY = Piece(
    "graph_summary", _without_documents, {f"dbt.compilation:Linker.{_SUMMARY}": frozenset({"139c6e1a"})}
)
