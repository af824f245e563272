"""The quoting of a relation, without a deep copy of values that nobody can change.

dbt makes a relation of every node to see that no two have one name. For each it merges three small mappings of yes and
no, and copies each of them twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import NoneType
from typing import Any

from dbt.adapters.base import relation

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced

_MERGE = "deep_merge"
_UNCHANGEABLE = frozenset({bool, str, int, NoneType})


@contextmanager
def _without_copies() -> Iterator[None]:
    dbts_own = vars(relation)[_MERGE]

    def merged(*mappings: Any) -> Any:
        result: dict[Any, Any] = {}
        for mapping in mappings:
            if type(mapping) is not dict or any(type(value) not in _UNCHANGEABLE for value in mapping.values()):
                return dbts_own(*mappings)
            result.update(mapping)
        return result if mappings else None

    with replaced(relation, _MERGE, merged):
        yield


_IN_DICT = "dbt_common.utils.dict"

RELATION_QUOTING = Piece(
    "relation_quoting",
    _without_copies,
    {
        "dbt.adapters.base.relation:deep_merge": frozenset({"70271633"}),
        f"{_IN_DICT}:_deep_merge": frozenset({"01ddaf5a"}),
        f"{_IN_DICT}:deep_merge_item": frozenset({"7a0e0efa"}),
    },
)
