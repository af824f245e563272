"""The parents and children of all nodes, found once for as long as no node depends on anything else.

dbt builds both maps as it loads the project, as it checks it, as it compiles it, and with each manifest that it writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

from dbt.contracts.graph import manifest

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced

_BUILD = "build_node_edges"
_NAME, _PARENTS = attrgetter("unique_id"), attrgetter("depends_on_nodes")
_Edges = Mapping[str, list[str]]


@contextmanager
def _found_once() -> Iterator[None]:
    dbts_own = vars(manifest)[_BUILD]
    names: list[str] | None = None
    parents: list[list[str]] = []
    found: tuple[_Edges, ...] = ()

    def build(nodes: Sequence[Any]) -> tuple[_Edges, ...]:
        nonlocal names, parents, found
        names_now, parents_now = list(map(_NAME, nodes)), list(map(_PARENTS, nodes))
        if names_now != names or parents_now != parents:
            names, parents = names_now, list(map(list, parents_now))
            found = dbts_own(nodes)
        # A map is a manifest's own.
        return tuple(dict(zip(edges, map(list.copy, edges.values()), strict=True)) for edges in found)

    with replaced(manifest, _BUILD, build):
        yield


NODE_EDGES = Piece("node_edges", _found_once, {f"dbt.contracts.graph.manifest:{_BUILD}": frozenset({"0071c02a"})})
