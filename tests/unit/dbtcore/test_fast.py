"""The pieces of `dbtcore/fast`: all work on this dbt, replace nothing for longer than they are on, and change no answer."""

from __future__ import annotations

import dataclasses
import gc
import random
import sys
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from types import SimpleNamespace
from typing import Any

import networkx as nx
import pytest
from dbt import compilation
from dbt.adapters import cache as cache_module
from dbt.adapters.base import relation as relation_module
from dbt.adapters.base.impl import BaseAdapter
from dbt.adapters.sql.impl import SQLAdapter
from dbt.artifacts.schemas.manifest import WritableManifest
from dbt.cli.main import cli
from dbt.compilation import Linker
from dbt.contracts.graph import manifest as manifest_module
from dbt.contracts.graph.manifest import Manifest
from dbt.graph import selector_methods
from dbt.graph.graph import Graph
from dbt.graph.selector import NodeSelector
from dbt.node_types import NodeType
from dbt.parser import manifest as parser_module
from dbt.parser import read_files, search
from dbt.parser.manifest import ManifestLoader
from dbt.task.run_operation import RunOperationTask
from dbt.task.runnable import GraphRunnableTask
from dbt_common.behavior_flags import BehaviorFlagRendered
from dbt_common.contracts.config.properties import AdditionalPropertiesMixin
from dbt_common.dataclass_schema import dbtClassMixin
from mashumaro.mixins import dict as mashumaro_dict
from yaml import SafeDumper

from dbt_retry_plus.dbtcore.fast.choice import NAMES
from dbt_retry_plus.dbtcore.fast.dataclass_docs import DATACLASS_DOCS
from dbt_retry_plus.dbtcore.fast.dataclass_methods import DATACLASS_METHODS
from dbt_retry_plus.dbtcore.fast.generated_methods import GENERATED_METHODS
from dbt_retry_plus.dbtcore.fast.graph_cycles import GRAPH_CYCLES
from dbt_retry_plus.dbtcore.fast.graph_subset import GRAPH_SUBSET
from dbt_retry_plus.dbtcore.fast.piece import Piece
from dbt_retry_plus.dbtcore.fast.quick_exit import QUICK_EXIT
from dbt_retry_plus.dbtcore.fast.shape import shape_of
from dbt_retry_plus.dbtcore.fast.source_files import SOURCE_FILES
from dbt_retry_plus.dbtcore.fast.switch import chosen_pieces, refuse_unknown_pieces, saving_time
from dbt_retry_plus.dbtcore.fast.test_edges import TEST_EDGES
from dbt_retry_plus.dbtcore.running import dbt_minor
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.startup import FAST_VARIABLE

TOUCHED = (
    BaseAdapter,
    BehaviorFlagRendered,
    Graph,
    GraphRunnableTask,
    Linker,
    Manifest,
    ManifestLoader,
    NodeSelector,
    RunOperationTask,
    SQLAdapter,
    WritableManifest,
    cache_module,
    compilation,
    dbtClassMixin,
    manifest_module,
    parser_module,
    read_files,
    relation_module,
    search,
    selector_methods,
    SafeDumper,
    AdditionalPropertiesMixin,
    dataclasses,
    mashumaro_dict,
    type(cli),
)
MINOR = dbt_minor()
BUILT_INTO_DBT = {"1.12": {"jinja_graph"}}
PIECES = chosen_pieces({})
FOR_A_PROCESS_OF_THEIR_OWN = (QUICK_EXIT, GENERATED_METHODS, DATACLASS_METHODS, DATACLASS_DOCS, SOURCE_FILES)
PATCHING = [piece for piece in PIECES if piece not in FOR_A_PROCESS_OF_THEIR_OWN]


def state() -> tuple[Any, ...]:
    return ([dict(vars(owner)) for owner in TOUCHED], gc.isenabled(), gc.get_threshold(), vars(cli).get("leave"))


@pytest.mark.parametrize("piece", PATCHING, ids=lambda piece: piece.name)
def test_each_piece_knows_this_dbt(piece: Piece) -> None:
    obstacle = piece.obstacle(MINOR)
    if obstacle and obstacle.startswith("mashumaro."):
        pytest.skip(f"a mashumaro that was not looked at yet: {obstacle}")  # dbt-core 1.8 takes any newer one
    assert (obstacle is None) == (piece.name not in BUILT_INTO_DBT.get(MINOR, set())), obstacle


@pytest.mark.parametrize("piece", FOR_A_PROCESS_OF_THEIR_OWN, ids=lambda piece: piece.name)
def test_what_needs_a_process_of_its_own_is_off_in_a_program_that_calls_dbt(piece: Piece) -> None:
    assert not piece.fits() and piece.obstacle(MINOR) is not None


@pytest.mark.parametrize("piece", FOR_A_PROCESS_OF_THEIR_OWN[1:], ids=lambda piece: piece.name)
def test_what_needs_a_process_of_its_own_knows_this_dbt_and_is_gone_after_it(piece: Piece) -> None:
    if sys.version_info >= (3, 13) and piece is DATACLASS_METHODS:
        assert piece.unfamiliar(MINOR) == "dataclasses:_create_fn is not as it was when this was checked"
        return
    if (obstacle := str(piece.unfamiliar(MINOR))).startswith("mashumaro."):
        pytest.skip(f"a mashumaro that was not looked at yet: {obstacle}")
    assert piece.unfamiliar(MINOR) is None and piece.unfamiliar("1.99") is not None
    before = state()
    with suppress(RuntimeError), piece.enter():
        assert state() != before
        raise RuntimeError
    assert state() == before


@pytest.mark.parametrize("piece", PATCHING, ids=lambda piece: piece.name)
@pytest.mark.parametrize("ends_with", [None, RuntimeError, KeyboardInterrupt])
def test_each_piece_leaves_dbt_as_it_was(piece: Piece, ends_with: type[BaseException] | None) -> None:
    if piece.obstacle(MINOR):
        pytest.skip("off on this dbt")
    before = state()
    with suppress(RuntimeError, KeyboardInterrupt), saving_time({FAST_VARIABLE: piece.name}):
        assert state() != before
        if ends_with:
            raise ends_with
    assert state() == before


def test_all_pieces_together_leave_dbt_as_it_was() -> None:
    before = state()
    with saving_time({}):
        assert state() != before
    assert state() == before


def test_a_collector_that_is_off_stays_off() -> None:
    gc.disable()
    try:
        with saving_time({FAST_VARIABLE: "garbage"}):
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize(("task", "work"), [(GraphRunnableTask, "execute_with_hooks"), (RunOperationTask, "run")])
def test_garbage_is_collected_while_the_projects_own_work_is_done(
    monkeypatch: pytest.MonkeyPatch, task: type, work: str
) -> None:
    monkeypatch.setattr(task, work, gc.isenabled)
    with saving_time({FAST_VARIABLE: "garbage"}):
        assert not gc.isenabled()
        assert getattr(task, work)()
        assert not gc.isenabled()
    assert gc.isenabled()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", set(NAMES)),
        ("1", set(NAMES)),
        ("0", set()),
        ("off", set()),
        ("garbage, test_edges", {"garbage", "test_edges"}),
    ],
)
def test_the_variable_says_which_are_on(text: str, names: set[str]) -> None:
    assert {piece.name for piece in chosen_pieces({FAST_VARIABLE: text})} == names
    refuse_unknown_pieces({FAST_VARIABLE: text})


def test_an_unknown_name_is_refused_in_one_sentence() -> None:
    with pytest.raises(RetryRefusedError, match=r"DBT_RETRY_PLUS_FAST names 'garbidge', which there is not\. Say 0"):
        refuse_unknown_pieces({FAST_VARIABLE: "garbage,garbidge"})


def test_a_function_of_another_shape_keeps_a_piece_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Linker, "find_cycles", lambda self: self.something_else())
    assert "find_cycles is not as it was" in str(GRAPH_CYCLES.obstacle(MINOR))
    with saving_time({FAST_VARIABLE: "graph_cycles"}):
        assert shape_of(Linker.find_cycles) == shape_of(lambda self: self.something_else())


def test_a_dbt_without_what_a_piece_is_about_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(compilation, "_get_tests_for_node")
    monkeypatch.delitem(sys.modules, TEST_EDGES.enter.__module__)
    assert {*NAMES} - {piece.name for piece in chosen_pieces({})} == {"test_edges"}
    before = state()
    with saving_time({FAST_VARIABLE: "test_edges"}):
        assert state() == before


def test_an_unchecked_minor_keeps_every_piece_off() -> None:
    assert all(piece.obstacle("1.99") for piece in PIECES)


def random_project(seed: int, *, models: int = 60) -> tuple[Any, Mapping[str, Any]]:
    """A graph as dbt links it, with tests of one, two and three nodes, and the manifest that knows them."""
    chance = random.Random(seed)
    linker, nodes = Linker(), {}
    names = [f"model.p.m{number}" for number in range(models)]
    for number, name in enumerate(names):
        parents = chance.sample(names[:number], min(number, chance.choice((0, 1, 1, 2, 3))))
        nodes[name] = SimpleNamespace(resource_type=NodeType.Model, depends_on_nodes=parents)
    for number in range(models):
        read = chance.sample(names, chance.choice((1, 1, 1, 2, 3)))
        nodes[f"test.p.t{number}"] = SimpleNamespace(resource_type=NodeType.Test, depends_on_nodes=read)
    shuffled = list(nodes)
    chance.shuffle(shuffled)
    for name in shuffled:
        linker.add_node(name)
        for parent in nodes[name].depends_on_nodes:
            linker.dependency(name, parent)
    child_map: dict[str, list[str]] = {name: [] for name in nodes}
    for name, node in nodes.items():
        for parent in node.depends_on_nodes:
            child_map[parent].append(name)
    return linker, SimpleNamespace(nodes=nodes, child_map=child_map)


def edges_of(graph: nx.DiGraph) -> Mapping[str, Any]:
    return {name: sorted(graph.adj[name].items()) for name in graph}


@pytest.mark.parametrize("seed", range(20))
def test_the_test_edges_are_dbts(seed: int) -> None:
    search = "add_test_edges_1" if hasattr(Linker, "add_test_edges_1") else "add_test_edges"
    dbts, manifest = random_project(seed)
    ours, _ = random_project(seed)
    getattr(dbts, search)(manifest)
    with TEST_EDGES.enter():
        getattr(ours, search)(manifest)
    assert edges_of(ours.graph) == edges_of(dbts.graph)
    assert [list(ours.graph.succ[name]) for name in ours.graph] == [list(dbts.graph.succ[name]) for name in dbts.graph]


def test_an_edge_that_a_test_has_already_keeps_what_it_says() -> None:
    search = "add_test_edges_1" if hasattr(Linker, "add_test_edges_1") else "add_test_edges"
    graphs = []
    for context in (nullcontext(), TEST_EDGES.enter()):
        linker, manifest = random_project(3)
        with context:
            getattr(linker, search)(manifest)
            linker.graph.edges[next(edge for edge in linker.graph.edges(data="edge_type") if edge[2])[:2]]["note"] = 1
            for _, _, said in linker.graph.edges(data=True):
                said.pop("edge_type", None)
            getattr(linker, search)(manifest)
        graphs.append(linker.graph)
    assert edges_of(graphs[0]) == edges_of(graphs[1])
    assert all(graph.pred[child][parent] is said for graph in graphs for parent, child, said in graph.edges(data=True))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 1.0])
def test_the_graph_of_some_nodes_is_dbts(seed: int, share: float) -> None:
    linker, _ = random_project(seed)
    chance = random.Random(seed)
    selected = {name for name in linker.graph if chance.random() < share}
    dbts = Graph(linker.graph).get_subset_graph(selected).graph
    with GRAPH_SUBSET.enter():
        ours = Graph(linker.graph).get_subset_graph(selected).graph
    assert edges_of(ours) == edges_of(dbts)
    assert list(ours) == list(dbts)


def test_a_node_that_is_not_in_the_graph_is_dbts_own_error() -> None:
    linker, _ = random_project(1)
    errors = []
    for context in (nullcontext(), GRAPH_SUBSET.enter()):
        with context, pytest.raises(Exception, match=r"Couldn't find model 'model\.p\.gone'") as caught:
            Graph(linker.graph).get_subset_graph({"model.p.gone"})
        errors.append(caught.type)
    assert errors[0] is errors[1]


def test_a_cycle_is_described_as_dbt_does() -> None:
    linker = Linker()
    linker.dependency("b", "a")
    linker.dependency("a", "b")
    expected = linker.find_cycles()
    with GRAPH_CYCLES.enter():
        assert linker.find_cycles() == expected == "b --> a"
        assert random_project(1)[0].find_cycles() is None
