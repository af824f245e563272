"""A relation found in dbt's cache without asking each of the others for its parts, letter case and quotes.

Each macro that asks for a relation has dbt gather those of its schema, and match every one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from dbt.adapters.base.impl import BaseAdapter
from dbt.adapters.base.relation import BaseRelation
from dbt.adapters.cache import RelationsCache
from dbt.adapters.contracts.relation import Path
from dbt.adapters.reference_keys import lowercase

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced

_GATHER, _SEARCH = "get_relations", "_make_match"
_MATCHING = ("matches", "_is_exactish_match")


@contextmanager
def _by_name_first() -> Iterator[None]:
    gather, search = vars(RelationsCache)[_GATHER], vars(BaseAdapter)[_SEARCH]

    def relations_of(self: Any, database: str | None, schema: str | None) -> Any:
        of_schema = (lowercase(database), lowercase(schema))
        with self.lock:
            found = [cached.inner for key, cached in self.relations.items() if key[:2] == of_schema]
        return gather(self, database, schema) if any(relation is None for relation in found) else found

    def make_match(self: Any, relations: Any, database: Any, schema: Any, identifier: Any) -> Any:
        if isinstance(relations, list) and all(_as_known(kind) for kind in {type(relation) for relation in relations}):
            name = self._make_match_kwargs(database, schema, identifier).get("identifier")  # as the adapter spells it
            if isinstance(name, str):
                relations = _of_that_name(relations, name)
        return search(self, relations, database, schema, identifier)

    with replaced(RelationsCache, _GATHER, relations_of), replaced(BaseAdapter, _SEARCH, make_match):
        yield


def _as_known(kind: type) -> bool:
    return all(getattr(kind, name, None) is vars(BaseRelation)[name] for name in _MATCHING)


def _of_that_name(relations: Sequence[Any], identifier: str) -> list[Any]:
    """Leave out what dbt would compare in all of its parts to find that the name is another one, quotes aside."""
    wanted = identifier.lower()
    return [
        relation
        for relation in relations
        if type(path := relation.path) is not Path
        or path.identifier is None
        or (name := path.identifier.lower()) == wanted
        or name.strip(quote := relation.quote_character) == wanted.strip(quote)
    ]


RELATION_SEARCH = Piece(
    "relation_search",
    _by_name_first,
    {
        f"dbt.adapters.cache:RelationsCache.{_GATHER}": frozenset({"caab7289"}),
        "dbt.adapters.reference_keys:_make_ref_key": frozenset({"cb73933e"}),
        f"dbt.adapters.base.impl:BaseAdapter.{_SEARCH}": frozenset({"a5e4dbf4"}),
        f"dbt.adapters.base.relation:BaseRelation.{_MATCHING[0]}": frozenset({"a37d45ca"}),
        f"dbt.adapters.base.relation:BaseRelation.{_MATCHING[1]}": frozenset({"6b4ce6f5"}),
        "dbt.adapters.contracts.relation:Path.get_lowered_part": frozenset({"d5ed5fb7"}),
    },
)
