"""The selection of everything, without matching each name against the pattern that every name matches.

Nor is there a test then that would be selected besides, for the sake of what it tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dbt.graph import selector_methods
from dbt.graph.selector import NodeSelector
from dbt.graph.selector_spec import IndirectSelection

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced

_MATCH, _EXPAND = "is_selected_node", "expand_selection"


@contextmanager
def _without_patterns() -> Iterator[None]:
    dbts_own = vars(selector_methods)[_MATCH]

    def is_selected(fqn: list[str], node_selector: str, is_versioned: bool) -> bool:
        # With fewer segments dbt looks for one that there is not.
        if node_selector == "*" and len(fqn) > is_versioned:
            return True
        selected: bool = dbts_own(fqn, node_selector, is_versioned)
        return selected

    expand = vars(NodeSelector)[_EXPAND]

    def expand_selection(self: Any, selected: set[str], indirect_selection: Any = IndirectSelection.Eager) -> Any:
        if indirect_selection == IndirectSelection.Eager and selected == self.graph.nodes():
            return set(selected), set()
        return expand(self, selected, indirect_selection)

    with replaced(selector_methods, _MATCH, is_selected), replaced(NodeSelector, _EXPAND, expand_selection):
        yield


SELECT_ALL = Piece(
    "select_all",
    _without_patterns,
    {
        f"dbt.graph.selector_methods:{_MATCH}": frozenset({"92ca90f8", "ee7f5d13"}),
        f"dbt.graph.selector:NodeSelector.{_EXPAND}": frozenset({"37af24e8"}),
    },
)
