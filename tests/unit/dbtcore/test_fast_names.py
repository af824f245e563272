"""Names are compared as dbt compares them: by itself wherever they are unusual, and never with another answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from dbt.adapters.contracts.relation import Path as PathOfParts
from dbt.adapters.contracts.relation import Policy
from dbt.adapters.duckdb.relation import DuckDBRelation
from dbt.adapters.postgres.relation import PostgresRelation
from dbt.parser import manifest as parser

from dbt_retry_plus.dbtcore.fast.resource_names import RESOURCE_NAMES
from dbt_retry_plus.dbtcore.fast.usual_relations import made_as_usual, rendered_as_usual


def _is_usual(kind: type) -> bool:
    return made_as_usual(kind) and rendered_as_usual(kind)


CONFIG = SimpleNamespace(credentials=SimpleNamespace(type="duckdb"), quoting={"schema": True})


@dataclass
class Node:
    """What dbt asks of a node here."""

    name: str
    schema: Any = "main"
    database: Any = "warehouse"
    package_name: str = "p"
    is_versioned: bool = False
    is_relational: bool = True
    quoting_dict: dict[str, Any] = field(default_factory=dict)
    resource_type: str = "model"
    config: dict[str, Any] = field(default_factory=dict)
    alias: str = ""

    @property
    def identifier(self) -> str:
        return self.alias or self.name

    @property
    def unique_id(self) -> str:
        return f"{self.resource_type}.{self.package_name}.{self.name}"

    original_file_path = "models/m.sql"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What dbt's own function was asked."""
    calls: list[Any] = []
    dbts_own = parser._check_resource_uniqueness

    def noted(manifest: Any, config: Any) -> None:
        calls.append(manifest)
        dbts_own(manifest, config)

    monkeypatch.setattr(parser, "_check_resource_uniqueness", noted)
    monkeypatch.setattr(parser, "get_relation_class_by_name", lambda _: DuckDBRelation)
    monkeypatch.setattr(
        "dbt_retry_plus.dbtcore.fast.resource_names.get_relation_class_by_name", lambda _: DuckDBRelation
    )
    with RESOURCE_NAMES.enter():
        yield calls


def look(*nodes: Node) -> None:
    manifest = SimpleNamespace(nodes={str(number): node for number, node in enumerate(nodes)})
    parser._check_resource_uniqueness(manifest, CONFIG)


@pytest.mark.parametrize(
    "nodes",
    [
        [],
        [Node("a"), Node("b"), Node("a", is_relational=False)],
        [Node("a"), Node("a", schema="other", package_name="q")],
        [Node("a"), Node("b", alias="A"), Node("c", database=None)],
        [Node("a-1"), Node("a$1"), Node("ä")],
    ],
)
def test_names_that_are_different_are_not_rendered(asked: list[Any], nodes: list[Node]) -> None:
    look(*nodes)
    assert asked == []


@pytest.mark.parametrize(
    "nodes",
    [
        [Node("a.b"), Node("c")],
        [Node('a"b'), Node("c")],
        [Node("a"), Node("b", schema="x y")],
        [Node("a"), Node("b", is_versioned=True)],
        [Node("a"), Node("b", quoting_dict={"identifier": False, "column": True})],
        [Node("a"), Node("b", schema=None)],
    ],
)
def test_dbt_looks_itself_where_anything_is_unusual(asked: list[Any], nodes: list[Node]) -> None:
    look(*nodes)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "nodes",
    [
        [Node("a"), Node("b", alias="a")],
        [Node("a"), Node("c", package_name="q"), Node("b", alias="a", package_name="q")],
        [Node("b", schema='x"."y'), Node('y"."b', schema="x")],
    ],
)
def test_the_same_relation_twice_is_dbts_own_error(asked: list[Any], nodes: list[Node]) -> None:
    with pytest.raises(parser.AmbiguousAliasError):
        look(*nodes)
    assert len(asked) == 1


def test_an_adapter_that_checks_its_relations_keeps_doing_so() -> None:
    """PostgreSQL's refuses an identifier that is too long."""
    assert _is_usual(DuckDBRelation) and not _is_usual(PostgresRelation)


@pytest.mark.parametrize(
    "name", ["create", "create_from", "render", "quoted", "__str__", "_render_iterator", "__pre_deserialize__"]
)
def test_an_adapter_with_ways_of_its_own_is_left_alone(name: str) -> None:
    own = type("OwnRelation", (DuckDBRelation,), {})
    assert _is_usual(own)
    setattr(own, name, lambda *_: None)
    assert not _is_usual(own)


@dataclass
class OwnPolicy(Policy):
    database: bool = True


@dataclass
class OwnPath(PathOfParts):
    """One that could fold its parts."""


def test_an_adapter_that_leaves_out_the_database_is_left_alone() -> None:
    """Where that is left out, two relations of the same name in two databases are one, and dbt says so."""
    for policy in (Policy(database=False), OwnPolicy()):
        own = type("OwnRelation", (DuckDBRelation,), {"get_default_include_policy": classmethod(lambda _, p=policy: p)})
        assert not _is_usual(own)


def test_an_adapter_with_paths_of_its_own_is_left_alone() -> None:
    @dataclass(frozen=True, eq=False, repr=False)
    class OwnRelation(DuckDBRelation):
        path: OwnPath

    OwnRelation.__dataclass_fields__["path"].type = OwnPath
    assert not _is_usual(OwnRelation)
