"""A relation is found in dbt's cache where dbt finds it, and what dbt refuses is refused."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import pytest
from dbt.adapters.base.impl import BaseAdapter
from dbt.adapters.base.relation import BaseRelation
from dbt.adapters.cache import RelationsCache
from dbt.adapters.contracts.relation import Path, Policy

from dbt_retry_plus.dbtcore.fast.relation_search import RELATION_SEARCH

NAMES = ("orders", "Orders", "ORDERS", '"orders"', "orders_2", "", "ordérs")
QUOTED, UNQUOTED = Policy(), Policy(database=False, schema=False, identifier=False)


class Particular(BaseRelation):
    """Matches in a way of its own."""

    def matches(self, *arguments: Any, **parts: Any) -> bool:
        return True


def relation(name: str | None, schema: str = "main", *, kind: type = BaseRelation, **said: Any) -> Any:
    return kind(path=Path("db", schema, name), **said)


RELATIONS: list[list[Any]] = [
    [],
    [relation("orders")],
    [relation("Orders"), relation("customers")],
    [relation("orders", dbt_created=True, quote_policy=UNQUOTED), relation("ORDERS")],
    [relation(name) for name in NAMES],
    [relation("orders"), relation("orders")],
    [relation(None), relation("orders")],
    [relation("orders", "Main"), relation("orders", "other")],
    [relation("customers", kind=Particular), relation("orders")],
    [relation("`orders`", quote_character="`")],
]


def matches(relations: list[Any], asked: tuple[Any, ...], quoting: bool) -> Any:
    """What dbt finds, or what it says."""
    config = SimpleNamespace(quoting=dict.fromkeys(("database", "schema", "identifier"), quoting))
    adapter: Any = SimpleNamespace(config=config)
    adapter._make_match_kwargs = lambda *parts: BaseAdapter._make_match_kwargs(adapter, *parts)
    try:
        return [id(found) for found in BaseAdapter._make_match(adapter, relations, *asked)]
    except Exception as error:
        return type(error).__name__, str(error)


@pytest.mark.parametrize("relations", RELATIONS, ids=str)
@pytest.mark.parametrize("quoting", [True, False])
def test_a_relation_is_matched_as_dbt_matches_it(relations: list[Any], quoting: bool) -> None:
    for name, schema in itertools.product((*NAMES, "customers", None), ("main", "MAIN", None)):
        asked = ("db", schema, name)
        expected = matches(relations, asked, quoting)
        with RELATION_SEARCH.enter():
            assert matches(relations, asked, quoting) == expected, asked


@pytest.mark.parametrize("database", ["db", "DB", "other", None])
@pytest.mark.parametrize("schema", ["main", "MAIN", "gone", None])
def test_the_relations_of_a_schema_are_those_that_dbt_gathers(database: str | None, schema: str | None) -> None:
    cache = RelationsCache()
    for each in (
        relation("a"),
        relation("B", "Main"),
        relation("c", "other"),
        BaseRelation(path=Path(None, "main", "d")),
    ):
        cache.add(each)
    cache.rename(relation("a"), relation("a2"))
    cache.drop(relation("c", "other"))
    expected = cache.get_relations(database, schema)
    with RELATION_SEARCH.enter():
        assert cache.get_relations(database, schema) == expected


def test_a_cache_that_holds_nothing_where_a_relation_should_be_is_refused_as_dbt_does() -> None:
    cache = RelationsCache()
    cache.add(relation("a"))
    next(iter(cache.relations.values())).inner = None
    with pytest.raises(Exception) as expected:  # noqa: PT011  # whatever it is
        cache.get_relations("db", "main")
    with RELATION_SEARCH.enter(), pytest.raises(expected.type):
        cache.get_relations("db", "main")
