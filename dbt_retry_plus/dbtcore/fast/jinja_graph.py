"""The `graph` of Jinja, built only when something reads it.

dbt makes a document of every node for it as the project is loaded, and few macros look. It shows the project as it was
before any node ran, so the nodes that a run changes are kept as they were. dbt-core 1.12 builds it on demand itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import Any
from weakref import ref

from dbt.contracts.graph.manifest import Manifest
from dbt.node_types import NodeType
from dbt.task.base import ConfiguredTask
from dbt.task.runnable import GraphRunnableTask

from dbt_retry_plus.dbtcore.fast.piece import ALL_MINORS, Piece, replaced

_GRAPH = "flat_graph"
_BUILD = "build_flat_graph"
_NODES = "execute_with_hooks"


class _Unbuilt:
    """Stands in a manifest for a graph that nobody has read so far, with what will have changed by then."""

    def __init__(self) -> None:
        self.before_the_run: Mapping[str, Any] = {}


class _LazyGraphs:
    """The attribute `flat_graph` of manifests: read, it lets dbt build what is not there."""

    def __init__(self, build: Any) -> None:
        self._build = build
        self._manifests: list[ref[Any]] = []
        self._lock = RLock()  # nodes run in threads, and building sets the attribute
        self._running: frozenset[str] | None = None

    def __get__(self, manifest: Any, owner: type) -> Any:
        if manifest is None:
            raise AttributeError(_GRAPH)
        with self._lock:
            unbuilt = vars(manifest).get(_GRAPH)
            if isinstance(unbuilt, _Unbuilt):
                self._build(manifest)
                before = unbuilt.before_the_run
                for section in vars(manifest)[_GRAPH].values():
                    section.update({name: before[name] for name in section.keys() & before.keys()})
        return vars(manifest)[_GRAPH]

    def __set__(self, manifest: Any, graph: Any) -> None:
        vars(manifest)[_GRAPH] = graph

    def postpone(self, manifest: Any) -> None:
        """Do what dbt's `build_flat_graph` does, later."""
        with self._lock:
            vars(manifest)[_GRAPH] = unbuilt = _Unbuilt()
            self._manifests.append(ref(manifest))
            if self._running is not None:  # a deferral is resolved after the run has begun
                unbuilt.before_the_run = _documents(manifest, self._running)

    @contextmanager
    def running(self, manifest: Any, selected: frozenset[str]) -> Iterator[None]:
        """Keep the nodes that a run can change as they are now."""
        with self._lock:
            self._running = selected
            unbuilt = vars(manifest).get(_GRAPH)
            if isinstance(unbuilt, _Unbuilt):
                unbuilt.before_the_run = _documents(manifest, selected)
        try:
            yield
        finally:
            self._running = None

    def forget(self) -> None:
        """Leave the manifests of a command that is over as dbt makes new ones: without a graph."""
        for reference in self._manifests:
            manifest = reference()
            if manifest is not None and isinstance(vars(manifest).get(_GRAPH), _Unbuilt):
                vars(manifest)[_GRAPH] = {}


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
            replaced(Manifest, _GRAPH, graphs),
            replaced(Manifest, _BUILD, postpone),
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
