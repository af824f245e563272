"""The pieces of `dbtcore/fast` that work while dbt loads a project and its adapter: they change no answer."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dbt.adapters.base.relation import BaseRelation
from dbt.adapters.cache import RelationsCache
from dbt.adapters.contracts.relation import Path as RelationPath
from dbt.artifacts.resources import NodeConfig, SnapshotConfig, SourceConfig
from dbt.compilation import Linker
from dbt.contracts.project import ProfileConfig, Project
from dbt_common.behavior_flags import Behavior
from dbt_common.dataclass_schema import ValidationError, dbtClassMixin
from dbt_common.events.event_manager_client import get_event_manager

from dbt_retry_plus.dbtcore.fast import schema_checks
from dbt_retry_plus.dbtcore.fast.cache_events import CACHE_EVENTS
from dbt_retry_plus.dbtcore.fast.flag_sources import FLAG_SOURCES
from dbt_retry_plus.dbtcore.fast.graph_file import GRAPH_FILE
from dbt_retry_plus.dbtcore.fast.schema_checks import SCHEMA_CHECKS

PROJECT = {"name": "p", "config-version": 2, "version": "1.0", "profile": "p", "model-paths": ["models"]}
DOCUMENTS: list[tuple[type[dbtClassMixin], Mapping[str, Any], bool]] = [
    (Project, PROJECT, True),
    (Project, {**PROJECT, "name": 7}, False),
    (Project, {**PROJECT, "on-run-start": ["select 1"]}, True),
    (Project, {**PROJECT, "clean-targets": "target"}, False),
    (Project, {**PROJECT, "unknown": 1}, False),
    (ProfileConfig, {"profile_name": "p", "target_name": "t", "threads": 1, "credentials": None}, True),
    (ProfileConfig, {"profile_name": "p", "target_name": "t", "threads": "one"}, False),
    (NodeConfig, {"enabled": True, "tags": ["a"]}, True),
    (NodeConfig, {"enabled": "perhaps"}, False),
    (SourceConfig, {"enabled": False}, True),
]
CLASSES = (Project, ProfileConfig, NodeConfig, SnapshotConfig, SourceConfig)


def said_of(kind: type[dbtClassMixin], document: Mapping[str, Any]) -> str | None:
    try:
        kind.validate(document)
    except ValidationError as error:
        return str(error)
    return None


@pytest.mark.parametrize(("kind", "document", "valid"), DOCUMENTS)
def test_what_dbt_says_of_a_document_is_dbts(kind: type[dbtClassMixin], document: Any, valid: bool) -> None:
    expected = said_of(kind, document)
    with SCHEMA_CHECKS.enter():
        assert said_of(kind, document) == expected
    assert (expected is None) == valid


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_a_check_lacks_nothing_but_the_defaults(kind: type[dbtClassMixin]) -> None:
    ours = schema_checks._validator(kind).schema
    assert ours == without_defaults(kind.json_schema())
    assert without_defaults(ours) == ours


def without_defaults(schema: Any) -> Any:
    if isinstance(schema, list):
        return [without_defaults(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: {field: without_defaults(of_field) for field, of_field in part.items()}
        if name in ("properties", "definitions")
        else without_defaults(part)
        for name, part in schema.items()
        if name != "default"
    }


def test_a_class_with_a_schema_of_its_own_is_left_to_dbt() -> None:
    class Odd(NodeConfig):
        @classmethod
        def json_schema(cls) -> Any:
            return {"type": "integer"}

    with SCHEMA_CHECKS.enter():
        assert said_of(Odd, {}) is not None


def test_a_class_that_no_schema_can_be_made_of_is_left_to_dbt(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise TypeError

    monkeypatch.setattr(schema_checks, "build_json_schema", fails)
    with SCHEMA_CHECKS.enter():
        assert said_of(NodeConfig, {"enabled": True}) is None
        assert said_of(NodeConfig, {"enabled": "perhaps"}) is not None


def test_a_flag_without_a_source_is_ascribed_to_the_module_that_made_it() -> None:
    sources = []
    for context in (nullcontext(), FLAG_SOURCES.enter()):
        with context:
            flags: Any = Behavior([{"name": "new_way", "default": True, "description": "It is new."}], {})
            sources.append(flags.new_way._behavior_change_event.flag_source)
    assert sources == [__name__, __name__]


def test_code_without_a_module_is_passed_over_as_dbt_does() -> None:
    sources = []
    for context in (nullcontext(), FLAG_SOURCES.enter()):
        with context:
            names: dict[str, Any] = {"Behavior": Behavior, "__name__": "nowhere"}
            exec("made = Behavior([{'name': 'x', 'default': True, 'description': 'y'}], {}).x", names)
            sources.append(names["made"]._behavior_change_event.flag_source)
    assert sources == [__name__, __name__]


@pytest.fixture
def heard() -> Iterator[Callable[..., list[str]]]:
    """What listeners hear while a relation is put into the cache, and dropped."""
    manager = get_event_manager()
    loggers, callbacks = manager.loggers, manager.callbacks

    def hear(module: str = __name__, *, by_log: bool = False) -> list[str]:
        names: list[str] = []

        def callback(message: Any) -> None:
            names.append(message.info.name)

        callback.__module__ = module
        log = SimpleNamespace(filter=lambda message: message.info.name == "CacheAction", write_line=callback)
        manager.loggers, manager.callbacks = ([log], []) if by_log else ([], [callback])  # type: ignore[list-item]
        cache = RelationsCache()
        relation = BaseRelation(path=RelationPath("database", "schema", "name"))
        cache.add(relation)
        assert [str(known) for known in cache.get_relations("database", "schema")] == [str(relation)]
        cache.drop(relation)
        assert cache.get_relations("database", "schema") == []
        return names

    yield hear
    manager.loggers, manager.callbacks = loggers, callbacks


def test_the_caches_events_reach_whoever_hears_them(heard: Callable[..., list[str]]) -> None:
    expected = heard()
    assert expected.count("CacheAction") > 1
    with CACHE_EVENTS.enter():
        assert heard() == expected
        assert heard("dbt_retry_plus.recording.recorder") == []
        assert heard(by_log=True) == expected


@pytest.mark.parametrize("attributes", [{}, {"weight": 2}])
def test_the_file_of_the_graph_is_dbts(tmp_path: Path, attributes: Mapping[str, Any]) -> None:
    linker = Linker()
    linker.add_node("alone")
    for child, parent in [("b", "a"), ("c", "a"), ("c", "b")]:
        linker.dependency(child, parent)
    linker.graph.add_node("a", **attributes)
    linker.graph.add_edge("a", "c", edge_type="parent_test")
    node = SimpleNamespace(to_dict=lambda omit_none: {"omitted": omit_none, "tags": ["t"]})
    manifest: Any = SimpleNamespace(expect=lambda name: node)
    written = []
    for number, context in enumerate((nullcontext(), GRAPH_FILE.enter())):
        with context:
            linker.write_graph(str(tmp_path / str(number)), manifest)
        written.append(pickle.loads((tmp_path / str(number)).read_bytes()))
    dbts, ours = written
    assert list(ours.nodes(data=True)) == list(dbts.nodes(data=True))
    assert list(ours.edges(data=True)) == list(dbts.edges(data=True))
    assert [list(ours.pred[name].items()) for name in ours] == [list(dbts.pred[name].items()) for name in dbts]
    assert ours.pred["c"]["a"] is ours.succ["a"]["c"]
    assert "omitted" not in linker.graph.nodes["a"]


@pytest.mark.parametrize("count", [1, 2, 3, 999, 1000, 1001, 2500])
def test_the_file_of_a_graph_of_any_size_is_dbts(tmp_path: Path, count: int) -> None:
    linker, documents, shared = Linker(), {}, ["shared"]
    for number in range(count):
        name = f"model.p.m{number}"
        linker.add_node(name)
        if number:
            linker.dependency(name, f"model.p.m{number // 2}")
        rare = {f"rare_{number}": number} if number % 500 == 1 else {}
        documents[name] = {
            "unique_id": name,
            "tags": shared,
            "config": {"enabled": True, "meta": {name: shared}},
            **rare,
        }
    manifest: Any = SimpleNamespace(expect=lambda name: SimpleNamespace(to_dict=lambda omit_none: documents[name]))
    files = [tmp_path / "dbts", tmp_path / "ours"]
    for file, context in zip(files, (nullcontext(), GRAPH_FILE.enter()), strict=True):
        with context:
            linker.write_graph(str(file), manifest)
    dbts, ours = (pickle.loads(file.read_bytes()) for file in files)
    assert list(ours.nodes(data=True)) == list(dbts.nodes(data=True))
    assert list(ours.edges(data=True)) == list(dbts.edges(data=True))
    assert type(ours._node) is dict
    assert len({id(field) for document in ours._node.values() for field in document}) < 20
    assert files[1].stat().st_size < files[0].stat().st_size * 1.6
    ours.add_edge("new", "model.p.m0", weight=1)
    assert ours.pred["model.p.m0"]["new"] is ours.succ["new"]["model.p.m0"] and ours.nodes["new"] == {}


def test_a_node_that_has_no_document_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    linker = Linker()
    for name in "abcd":
        linker.add_node(name)

    def document(omit_none: bool) -> dict[str, Any]:
        raise ValueError("no document")

    manifest: Any = SimpleNamespace(
        expect=lambda name: SimpleNamespace(to_dict=document if name == "d" else lambda omit_none: {})
    )
    (tmp_path / "graph.gpickle").write_bytes(b"what was there")
    with GRAPH_FILE.enter(), pytest.raises(ValueError, match="no document"):
        linker.write_graph(str(tmp_path / "graph.gpickle"), manifest)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("graph.gpickle", b"what was there")]
