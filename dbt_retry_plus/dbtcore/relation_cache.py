"""dbt's cache of relations after an attempt that failed.

A materialization renames and drops relations inside its transaction and tells the cache at once. Where the transaction
is rolled back, the cache is wrong for the next attempt: it lacks the relation that is there, and with it, on
PostgreSQL, the views that would have been dropped by a cascade.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dbt.adapters.reference_keys import _make_ref_key

_OWN_SUFFIX = "__dbt"  # of what materializations put beside a relation: __dbt_tmp, __dbt_backup
_WITH_RELATION = frozenset({"model", "seed", "snapshot", "test", "function"})


@dataclass(frozen=True)
class KeptRelations:
    """What the cache knew of a node's relation before its first attempt.

    Attributes:
        relation: dbt's name of the relation.
        below: What depended on it, by its key in the cache.
        links: What depended on it directly, likewise.
        above: What it depended on, likewise.
    """

    relation: Any
    below: dict[Any, Any]
    links: dict[Any, Any]
    above: dict[Any, Any]

    @classmethod
    def of(cls, adapter: Any, config: Any, node: Any) -> KeptRelations | None:
        """Look into the cache; None where the node has no relation.

        Args:
            adapter: dbt's adapter.
            config: dbt's configuration.
            node: The node.
        """
        if str(node.resource_type) not in _WITH_RELATION or getattr(node, "alias", None) is None:
            return None
        relation = adapter.Relation.create_from(config, node)
        cache = adapter.cache
        with cache.lock:
            key = _make_ref_key(relation)
            own = cache.relations.get(key)
            if own is None:
                return cls(relation, {}, {}, {})
            below = {each: cache.relations[each] for each in own.collect_consequences() if each in cache.relations}
            linked = cache.relations.items() if hasattr(adapter, "_link_cached_relations") else ()
            above = {each: other for each, other in linked if other.is_referenced_by(key)}
            return cls(relation, below, dict(own.referenced_by), above)

    def put_back(self, adapter: Any, node: Any) -> None:
        """Let the cache say what the database has of this relation, asked anew.

        Args:
            adapter: dbt's adapter.
            node: The node, for the name of the connection.
        """
        cache = adapter.cache
        if (self.relation.database, self.relation.schema) not in cache:
            return
        with adapter.connection_named(node.unique_id, node):
            present = adapter.list_relations_without_caching(self.relation.without_identifier())
        with cache.lock:
            cached = (key for key in cache.relations if self._is_own(key.database, key.schema, key.identifier))
            cache._remove_refs(list(cached))  # noqa: SLF001 - its `drop` would cascade
            there = {_make_ref_key(relation): relation for relation in present}
            for relation in there.values():
                if self._is_own(relation.database, relation.schema, relation.identifier):
                    cache.add(relation)
            self._link(cache, there)

    def _link(self, cache: Any, there: Iterable[Any]) -> None:
        """Bring back what a cascade took away, and say what depends on what."""
        key = _make_ref_key(self.relation)
        own = cache.relations.get(key)
        for each, relation in self.below.items():
            elsewhere = (each.database, each.schema) != (key.database, key.schema)
            if each != key and (elsewhere or each in there):
                cache.relations.setdefault(each, relation)
        if own is None:
            return
        for each in self.links:
            if each in cache.relations:
                own.add_reference(cache.relations[each])
        for each in self.above:
            if each in cache.relations:
                cache.relations[each].add_reference(own)

    def _is_own(self, database: str | None, schema: str | None, identifier: str | None) -> bool:
        mine = (self.relation.database, self.relation.schema)
        if tuple(map(_lower, (database, schema))) != tuple(map(_lower, mine)):
            return False
        name, found = _lower(self.relation.identifier) or "", _lower(identifier) or ""
        return found == name or found.startswith(f"{name}{_OWN_SUFFIX}")


def _lower(text: str | None) -> str | None:
    return text.lower() if text is not None else None
