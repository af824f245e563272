"""The selection of everything, without matching each name against the pattern that every name matches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dbt.graph import selector_methods

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced

_MATCH = "is_selected_node"


@contextmanager
def _without_patterns() -> Iterator[None]:
    dbts_own = vars(selector_methods)[_MATCH]

    def is_selected(fqn: list[str], node_selector: str, is_versioned: bool) -> bool:
        # With fewer segments dbt looks for one that there is not.
        if node_selector == "*" and len(fqn) > is_versioned:
            return True
        selected: bool = dbts_own(fqn, node_selector, is_versioned)
        return selected

    with replaced(selector_methods, _MATCH, is_selected):
        yield


SELECT_ALL = Piece(
    "select_all", _without_patterns, {f"dbt.graph.selector_methods:{_MATCH}": frozenset({"92ca90f8", "ee7f5d13"})}
)
