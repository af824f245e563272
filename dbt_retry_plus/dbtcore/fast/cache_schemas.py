"""The schemas that dbt's cache of relations is filled from, asked once for each schema and not for each node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from dbt.adapters.base.impl import BaseAdapter

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced
from dbt_retry_plus.dbtcore.fast.shape import shape_of

_SCHEMAS = "_get_cache_schemas"
# `create_from` of DuckDB's relations and of dbt's own, which PostgreSQL's are. Others may take more from a node than
# where it is and how that is quoted.
_KNOWN_RELATIONS = frozenset({"a806c090", "9e66f2ab"})


@contextmanager
def _one_of_each() -> Iterator[None]:
    ask = vars(BaseAdapter)[_SCHEMAS]

    def schemas(self: Any, relation_configs: Iterable[Any]) -> Any:
        known = shape_of(self.Relation.create_from) in _KNOWN_RELATIONS
        return ask(self, _representatives(relation_configs) if known else relation_configs)

    with replaced(BaseAdapter, _SCHEMAS, schemas):
        yield


def _representatives(nodes: Iterable[Any]) -> list[Any]:
    """One of the nodes that the schema of a relation could not tell apart."""
    return list({_place(node): node for node in nodes}.values())


def _place(node: Any) -> tuple[Any, ...]:
    quoting = tuple(sorted(node.quoting_dict.items()))
    catalog = getattr(node, "catalog_name", None) or node.config.get("catalog", None)
    return node.database, node.schema, quoting, str(node.resource_type), catalog


CACHE_SCHEMAS = Piece(
    "cache_schemas",
    _one_of_each,
    {f"dbt.adapters.base.impl:BaseAdapter.{_SCHEMAS}": frozenset({"2a9ef003"})},
)
