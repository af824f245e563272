"""The relations of a schema made after the first of their kind, in which only the name is another.

dbt makes each of them of a document, through all that mashumaro checks and converts; of a large schema there are as
many as nodes in the project, and a retry asks for few.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dbt.adapters.contracts.relation import Path
from dbt.adapters.sql import impl
from dbt.adapters.sql.impl import SQLAdapter

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced
from dbt_retry_plus.dbtcore.fast.usual_relations import RELIES_ON, made_as_usual

_LIST, _MACRO = "list_relations_without_caching", "LIST_RELATIONS_MACRO_NAME"
_POLICIES = ("quote_policy", "include_policy")


class _Maker:
    """Makes relations, each of its own parts."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._first: dict[tuple[Any, ...], Any] = {}

    def make(self, database: Any, schema: Any, name: Any, kind: Any) -> Any:
        first = self._first.get((database, schema, kind))
        if first is not None and type(name) is str:
            return _with_name(first, name)
        policy = {"database": True, "schema": True, "identifier": True}
        made = self._kind.create(database=database, schema=schema, identifier=name, quote_policy=policy, type=kind)
        self._first[database, schema, kind] = made
        return made


def _with_name(relation: Any, name: str) -> Any:
    made = _copied(relation)
    path = relation.path
    vars(made).update(path=Path(path.database, path.schema, name))
    vars(made).update({policy: _copied(getattr(relation, policy)) for policy in _POLICIES})
    return made


def _copied(of: Any) -> Any:
    copy = object.__new__(type(of))
    vars(copy).update(vars(of))
    return copy


@contextmanager
def _made_alike() -> Iterator[None]:
    dbts_own = vars(SQLAdapter)[_LIST]

    def list_relations(self: Any, schema_relation: Any) -> list[Any]:
        kind = self.Relation
        if not made_as_usual(kind):
            found: list[Any] = dbts_own(self, schema_relation)
            return found
        maker = _Maker(kind)
        rows = self.execute_macro(vars(impl)[_MACRO], kwargs={"schema_relation": schema_relation})
        return [maker.make(database, schema, name, _type_of(kind, type_)) for database, name, schema, type_ in rows]

    with replaced(SQLAdapter, _LIST, list_relations):
        yield


def _type_of(kind: Any, name: Any) -> Any:
    try:
        return kind.get_relation_type(name)
    except ValueError:
        return kind.External


LISTED_RELATIONS = Piece(
    "listed_relations",
    _made_alike,
    {f"dbt.adapters.sql.impl:SQLAdapter.{_LIST}": frozenset({"08cc6738"}), **RELIES_ON},
)
