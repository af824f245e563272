"""The configuration of a node, searched for properties of the user's own only where it has some.

dbt goes through the keys of each configuration that it loads, and for each key through the names of all fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dbt_common.contracts.config.properties import AdditionalPropertiesMixin

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced

_PREPARE = "__pre_deserialize__"
_NO_EXTRAS = frozenset({"_extra", "pre-hook", "post-hook"})


@contextmanager
def _searched_for_if_there() -> Iterator[None]:
    dbts_own = vars(AdditionalPropertiesMixin)[_PREPARE]
    known: dict[type, frozenset[str]] = {}

    def prepare(cls: Any, data: Any) -> Any:
        if cls not in known:
            known[cls] = frozenset(cls._get_field_names()) | _NO_EXTRAS
        if type(data) is not dict or not data.keys() <= known[cls]:
            return dbts_own.__func__(cls, data)
        return getattr(super(AdditionalPropertiesMixin, cls), _PREPARE)(dict(data))

    with replaced(AdditionalPropertiesMixin, _PREPARE, classmethod(prepare)):
        yield


EXTRA_PROPERTIES = Piece(
    "extra_properties",
    _searched_for_if_there,
    {
        f"dbt_common.contracts.config.properties:AdditionalPropertiesMixin.{_PREPARE}": frozenset({"1dd4c9a9"}),
        "dbt_common.dataclass_schema:dbtClassMixin._get_field_names": frozenset({"8e3029a3"}),
        "dbt_common.dataclass_schema:dbtClassMixin._get_fields": frozenset({"3ea69924"}),
    },
)
