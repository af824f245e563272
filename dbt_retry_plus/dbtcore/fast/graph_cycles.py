"""The search for a cycle in the project's graph, left out where an order of its nodes shows that there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import networkx as nx  # type: ignore[import-untyped]  # it ships no types
from dbt.compilation import Linker

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced

_SEARCH = "find_cycles"


@contextmanager
def _order_first() -> Iterator[None]:
    search = vars(Linker)[_SEARCH]

    def find_cycles(self: Linker) -> Any:
        return None if nx.is_directed_acyclic_graph(self.graph) else search(self)

    with replaced(Linker, _SEARCH, find_cycles):
        yield


GRAPH_CYCLES = Piece("graph_cycles", _order_first, {f"dbt.compilation:Linker.{_SEARCH}": frozenset({"a06a4456"})})
