"""The `graph` of Jinja, built only when something reads it.

dbt makes a document of every node for it as the project is loaded, and few macros look. It shows the project as it was
before any node ran, so the nodes that a run changes are kept as they were. dbt-core 1.12 builds it on demand itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pprint import PrettyPrinter
from threading import RLock
from types import SimpleNamespace
from typing import Any, SupportsIndex
from weakref import ref

from dbt.contracts.graph.manifest import Manifest
from dbt.node_types import NodeType
from dbt.task.base import ConfiguredTask
from dbt.task.runnable import GraphRunnableTask
from yaml import SafeDumper

from dbt_retry_plus.dbtcore.fast.piece import ALL_MINORS, Piece, replaced

_GRAPH = "flat_graph"
_BUILD = "build_flat_graph"
_NODES = "execute_with_hooks"


class _Graph(dict[str, Any]):
    """The graph of a manifest, which dbt builds when it is first looked into.

    Every context of Jinja is handed it, whether or not the macro reads it.
    """

    def __init__(self, manifest: Any, build: Callable[[Any], None], lock: RLock) -> None:
        super().__init__({"": None})  # the encoder of json takes an empty one at its word, and asks no further
        self._manifest = manifest
        self._build = build
        self._lock = lock  # nodes run in threads
        self.before_the_run: Mapping[str, Any] = {}
        self.is_built = False
        self.had_one_before = False

    def built(self) -> None:
        """Let dbt build it, with the nodes that a run changes as they were before."""
        with self._lock:
            if self.is_built:
                return
            stand_in = SimpleNamespace(**vars(self._manifest))  # others may ask the manifest for its graph meanwhile
            self._build(stand_in)
            sections, before = stand_in.flat_graph, self.before_the_run
            for section in sections.values():
                section.update({name: before[name] for name in section.keys() & before.keys()})
            super().clear()
            super().update(sections)
            self.is_built = True

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return dict, (dict(self),)


def _reading(name: str) -> Callable[..., Any]:
    method = getattr(dict, name)

    @wraps(method)
    def read(graph: _Graph, *arguments: Any, **options: Any) -> Any:
        if not graph.is_built:
            graph.built()
        return method(graph, *arguments, **options)

    return read


# `__iter__` is among them, so `dict(graph)` and `{**graph}` ask the others too.
_READS = vars(dict).keys() - vars(object).keys() - {"fromkeys", "__class_getitem__"} | {"__eq__", "__ne__", "__repr__"}
for _name in _READS:
    setattr(_Graph, _name, _reading(_name))


class _LazyGraphs:
    """What `build_flat_graph` leaves in manifests while the command lasts."""

    def __init__(self, build: Any) -> None:
        self._build = build
        self._manifests: list[ref[Any]] = []
        self._lock = RLock()
        self._running: frozenset[str] | None = None

    def postpone(self, manifest: Any) -> None:
        """Do what dbt's `build_flat_graph` does, later."""
        with self._lock:
            before = vars(manifest).get(_GRAPH)
            vars(manifest)[_GRAPH] = graph = _Graph(manifest, self._build, self._lock)
            graph.had_one_before = before.had_one_before if isinstance(before, _Graph) else bool(before)
            self._manifests.append(ref(manifest))
            if self._running is not None:  # a deferral is resolved after the run has begun
                graph.before_the_run = _documents(manifest, self._running)

    @contextmanager
    def running(self, manifest: Any, selected: frozenset[str]) -> Iterator[None]:
        """Keep the nodes that a run can change as they are now."""
        with self._lock:
            self._running = selected
            graph = vars(manifest).get(_GRAPH)
            if isinstance(graph, _Graph) and not graph.is_built:
                graph.before_the_run = _documents(manifest, selected)
        try:
            yield
        finally:
            self._running = None

    def forget(self) -> None:
        """Leave manifests with a graph of dbt's own where they had one or somebody looked; else with none, as new."""
        for reference in self._manifests:
            manifest = reference()
            graph = vars(manifest).get(_GRAPH) if manifest is not None else None
            if isinstance(graph, _Graph):
                vars(manifest)[_GRAPH] = dict(graph) if graph.is_built or graph.had_one_before else {}


def _documents(manifest: Any, selected: frozenset[str]) -> dict[str, Any]:
    changing = {
        name
        for name, node in manifest.nodes.items()
        if name in selected or node.is_ephemeral_model or node.resource_type == NodeType.Operation
    }
    sections = (manifest.nodes, manifest.sources, manifest.exposures, manifest.saved_queries)
    return {
        name: section[name].to_dict(omit_none=False)
        for section in (*sections, getattr(manifest, "functions", {}))
        for name in section.keys() & (changing | selected)
    }


@contextmanager
def _shown_as_a_mapping() -> Iterator[None]:
    """Tell `toyaml` and `pprint`, which go by the exact type and its `__repr__`, how to show a graph."""
    yaml_table, pprint_table = SafeDumper.yaml_representers, PrettyPrinter._dispatch  # type: ignore[attr-defined]  # noqa: SLF001  # no public way
    yaml_table[_Graph] = SafeDumper.represent_dict
    pprint_table[_Graph.__repr__] = pprint_table[dict.__repr__]
    try:
        yield
    finally:
        for table in (yaml_table, SafeDumper.yaml_representers):  # PyYAML copies its table for whoever adds to it
            table.pop(_Graph, None)
        pprint_table.pop(_Graph.__repr__, None)


@contextmanager
def _on_demand() -> Iterator[None]:
    graphs = _LazyGraphs(vars(Manifest)[_BUILD])
    run_nodes = vars(GraphRunnableTask)[_NODES]

    def postpone(manifest: Manifest) -> None:
        graphs.postpone(manifest)

    def running(task: ConfiguredTask, selected_uids: frozenset[str]) -> Any:
        with graphs.running(task.manifest, selected_uids):
            return run_nodes(task, selected_uids)

    try:
        with (
            replaced(Manifest, _BUILD, postpone),
            _shown_as_a_mapping(),
            replaced(GraphRunnableTask, _NODES, running),
        ):
            yield
    finally:
        graphs.forget()


JINJA_GRAPH = Piece(
    "jinja_graph",
    _on_demand,
    {
        f"dbt.contracts.graph.manifest:Manifest.{_BUILD}": frozenset({"9bd4eb25", "8f365657"}),
        f"dbt.task.runnable:GraphRunnableTask.{_NODES}": frozenset({"158453f3", "9677dfaa", "3db77b43"}),
    },
    minors=ALL_MINORS - {"1.12"},
)
