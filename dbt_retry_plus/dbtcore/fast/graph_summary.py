"""`graph_summary.json` without turning each node into a document for the sake of its type, by a compiled encoder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dbt import compilation
from dbt.compilation import Linker

from dbt_retry_plus.dbtcore.fast.json_text import JsonText
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


class _Json:
    """What dbt's compiler needs of Python's `json`: names and numbers of nodes are all that it writes."""

    def __init__(self) -> None:
        self._json = JsonText(numbers_as_keys=True)

    def dumps(self, document: Any) -> str:
        return self._json.finite(document).decode()


@contextmanager
def _without_documents() -> Iterator[None]:
    with replaced(Linker, _SUMMARY, _graph_summary), replaced(compilation, "json", _Json()):
        yield


GRAPH_SUMMARY = Piece(
    "graph_summary",
    _without_documents,
    {
        f"dbt.compilation:Linker.{_SUMMARY}": frozenset({"139c6e1a"}),
        "dbt.compilation:Compiler.compile": frozenset({"ecc5ac04", "601ee300"}),
    },
)
