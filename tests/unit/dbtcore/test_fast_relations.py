"""A relation is found in dbt's cache where dbt finds it, and what dbt refuses is refused."""

from __future__ import annotations

import itertools
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from dbt.adapters.base.impl import BaseAdapter
from dbt.adapters.base.relation import BaseRelation
from dbt.adapters.cache import RelationsCache
from dbt.adapters.contracts.relation import Path, Policy
from dbt.adapters.duckdb.relation import DuckDBRelation
from dbt.adapters.postgres.relation import PostgresRelation
from dbt.adapters.sql.impl import SQLAdapter
from dbt_common.exceptions import DbtRuntimeError

from dbt_retry_plus.dbtcore.fast.listed_relations import LISTED_RELATIONS
from dbt_retry_plus.dbtcore.fast.relation_search import RELATION_SEARCH

NAMES = ("orders", "Orders", "ORDERS", '"orders"', "orders_2", "", "ordérs")
QUOTED, UNQUOTED = Policy(), Policy(database=False, schema=False, identifier=False)


class Particular(BaseRelation):
    """Matches in a way of its own."""

    def matches(self, *arguments: Any, **parts: Any) -> bool:
        return True


class Unquoted(BaseRelation):
    """Knows a name with quotes in it."""

    def _is_exactish_match(self, field: Any, value: str) -> bool:
        return bool(self.path.get_part(field) == value.replace('"', ""))


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
    [relation("orders", kind=Unquoted)],
    [relation("STRASSE")],
    [relation("`orders`", quote_character="`")],
]


def in_capitals(adapter: Any, database: Any, schema: Any, identifier: Any) -> dict[str, Any]:
    """As warehouses have it that write names so."""
    parts = BaseAdapter._make_match_kwargs(adapter, database, schema, identifier)
    return parts if adapter.config.quoting["identifier"] else {part: name.upper() for part, name in parts.items()}


def matches(relations: Any, asked: tuple[Any, ...], quoting: bool, spelling: Any = None) -> Any:
    """What dbt finds, or what it says."""
    config = SimpleNamespace(quoting=dict.fromkeys(("database", "schema", "identifier"), quoting))
    adapter: Any = SimpleNamespace(config=config)
    spell = spelling or BaseAdapter._make_match_kwargs
    adapter._make_match_kwargs = lambda *parts: spell(adapter, *parts)
    try:
        return [id(found) for found in BaseAdapter._make_match(adapter, relations, *asked)]
    except Exception as error:
        return type(error).__name__, str(error)


@pytest.mark.parametrize("relations", RELATIONS, ids=str)
@pytest.mark.parametrize("quoting", [True, False])
def test_a_relation_is_matched_as_dbt_matches_it(relations: list[Any], quoting: bool) -> None:
    names = (*NAMES, "customers", 'ord"ers', "straße", None)
    for name, schema, spelling in itertools.product(names, ("main", "MAIN", None), (None, in_capitals)):
        asked = ("db", schema, name)
        expected = matches(relations, asked, quoting, spelling)
        with RELATION_SEARCH.enter():
            assert matches(relations, asked, quoting, spelling) == expected, asked
            assert matches(iter(relations), asked, quoting, spelling) == expected, asked


def test_only_relations_of_that_name_are_compared_in_all_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[Any] = []
    as_dbt_does = BaseRelation._is_exactish_match

    def counting(found: Any, field: Any, value: str) -> bool:
        compared.append(found.path.identifier)
        return as_dbt_does(found, field, value)

    monkeypatch.setattr(BaseRelation, "_is_exactish_match", counting)
    with RELATION_SEARCH.enter():
        matches([relation("orders"), relation("customers")], ("db", "main", "orders"), True)
    assert set(compared) == {"orders"}


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


ROWS: list[list[tuple[Any, ...]]] = [
    [],
    [("db", "orders", "main", "table"), ("db", "customers", "main", "table"), ("db", "orders", "main", "view")],
    [
        ("db", "a", "main", "table"),
        ("db", "a", "Main", "table"),
        (None, "a", "main", "table"),
        ("db", None, "main", "table"),
    ],
    [("db", "ä", "main", "of a kind of its own"), ("db", "b", "main", "of a kind of its own")],
]


def listed(kind: type, rows: list[tuple[Any, ...]]) -> list[Any]:
    adapter: Any = SimpleNamespace(Relation=kind, execute_macro=lambda name, kwargs: rows)
    return list(SQLAdapter.list_relations_without_caching(adapter, relation("orders")))


@pytest.mark.parametrize("kind", [BaseRelation, DuckDBRelation, PostgresRelation])
@pytest.mark.parametrize("rows", ROWS)
def test_the_relations_of_a_schema_are_those_that_dbt_makes(kind: type, rows: list[tuple[Any, ...]]) -> None:
    expected = listed(kind, rows)
    with LISTED_RELATIONS.enter():
        found = listed(kind, rows)
    assert found == expected and [type(one) for one in found] == [type(one) for one in expected]
    assert [list(vars(one).items()) for one in found] == [list(vars(one).items()) for one in expected]
    assert [str(one) for one in found] == [str(one) for one in expected]
    assert [one.to_dict() for one in found] == [one.to_dict() for one in expected]


def test_the_relations_of_a_schema_have_nothing_in_common() -> None:
    with LISTED_RELATIONS.enter():
        first, second = listed(DuckDBRelation, ROWS[1][:2])
    second.quote_policy.identifier = second.include_policy.database = False
    assert str(first) == '"db"."main"."orders"' and str(second) == '"main".customers'


def test_an_adapter_that_checks_names_checks_all_of_them() -> None:
    rows = [("db", "orders", "main", "table"), ("db", "x" * 64, "main", "table")]
    for context in (nullcontext(), LISTED_RELATIONS.enter()):
        with context, pytest.raises(DbtRuntimeError, match="is longer than 63 characters"):
            listed(PostgresRelation, rows)
