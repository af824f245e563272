"""dbt-core's own tasks, told which nodes to run instead of selecting them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from pathlib import Path
from typing import Any

from dbt import selected_resources
from dbt.cli.flags import Flags
from dbt.compilation import Compiler, Linker
from dbt.config import RuntimeConfig
from dbt.contracts.graph.manifest import Manifest
from dbt.graph import GraphQueue, parse_difference
from dbt.task.base import ConfiguredTask
from dbt.task.build import BuildTask
from dbt.task.clone import CloneTask
from dbt.task.compile import CompileTask
from dbt.task.docs.generate import GenerateTask
from dbt.task.freshness import FreshnessTask
from dbt.task.run import RunTask
from dbt.task.runnable import GraphRunnableTask
from dbt.task.seed import SeedTask
from dbt.task.snapshot import SnapshotTask
from dbt.task.test import TestTask
from dbt_common.events.contextvars import task_contextvars
from dbt_common.exceptions import DbtRuntimeError

from dbt_retry_plus.dbtcore.attempts import AttemptingTask
from dbt_retry_plus.dbtcore.events import silenced_events
from dbt_retry_plus.dbtcore.fast.piece import replaced
from dbt_retry_plus.dbtcore.microbatch import carry_batches, counting_prior_batches
from dbt_retry_plus.dbtcore.operation_attempts import AttemptingOperation
from dbt_retry_plus.dbtcore.project import task_arguments
from dbt_retry_plus.ledger.run_results import RUN_RESULTS
from dbt_retry_plus.types import Chain, Plan

TASKS: Mapping[str, type[ConfiguredTask]] = {
    "build": BuildTask,
    "clone": CloneTask,
    "compile": CompileTask,
    "freshness": FreshnessTask,
    "generate": GenerateTask,
    "run": RunTask,
    "run-operation": AttemptingOperation,
    "seed": SeedTask,
    "snapshot": SnapshotTask,
    "test": TestTask,
}


class _HooksOnly(list[Any]):
    """No nodes, but not nothing to do: dbt takes the way that runs the project's hooks."""

    def __len__(self) -> int:
        return 1


class ResumedTask(AttemptingTask):
    """Mixed in before a task of dbt's: runs a given set of nodes in the setting of the whole command."""

    _graph_files: tuple[Callable[[], None], ...] = ()

    def compile_manifest(self) -> None:
        """Build the graph once; planning needs it before the run does, and writes no file of it."""
        if self.graph is None:
            write = Compiler.write_graph_file

            def write_later(compiler: Compiler, linker: Linker, manifest: Manifest) -> None:
                self._graph_files = (*self._graph_files, partial(write, compiler, linker, manifest))

            with replaced(Compiler, "write_graph_file", write_later):
                super().compile_manifest()

    def original_selection(self) -> frozenset[str] | None:
        """Resolve the original command's selection with dbt's own selector, unit tests included.

        Returns:
            The unique_ids, or None where the selection cannot be resolved any more (it compared with
            a state that is gone).
        """
        self.compile_manifest()
        try:
            with silenced_events():
                return frozenset(self.get_node_selector().get_selected(self.get_selection_spec()))
        except DbtRuntimeError:
            return None

    def selected_by(self, options: Mapping[str, Any]) -> frozenset[str]:
        """Resolve selection options given now, with the selector of this task.

        Args:
            options: `select`, `exclude`, `selector`, `resource_types` and `exclude_resource_types`, as given.

        Raises:
            DbtRuntimeError: dbt cannot make sense of them.
        """
        self.compile_manifest()
        if options.get("selector"):
            spec = self.config.get_selector(options["selector"])
        else:
            spec = parse_difference(options.get("select") or (), options.get("exclude") or ())
        selected = self.get_node_selector().get_selected(spec)
        wanted, unwanted = options.get("resource_types"), options.get("exclude_resource_types")
        return frozenset(
            unique_id
            for unique_id in selected
            if (not wanted or "all" in wanted or _type_of(unique_id) in wanted)
            and not (unwanted and _type_of(unique_id) in unwanted)
        )

    def resume(
        self,
        plan: Plan,
        selection: AbstractSet[str],
        chain: Chain,
        results: Path | None,
        afresh: AbstractSet[str] = frozenset(),
    ) -> None:
        """Say what `run` will execute.

        Args:
            plan: The retry set.
            selection: What Jinja's `selected_resources` and deferral take for selected.
            chain: Where microbatch models find the batches that are done.
            results: Where `run_results.json` of this retry alone goes, if not to the target folder.
            afresh: Nodes of which no batch counts as done.
        """
        self._plan = plan
        self._selection = selection
        self._results = results
        carry_batches(self, chain, plan, afresh)

    def get_runner_type(self, node: Any) -> Any:
        """Return dbt's runner class for a node."""
        return counting_prior_batches(super().get_runner_type(node))

    def result_path(self) -> str:
        """Return where dbt writes the results; those of a freshness check are another artifact."""
        path = Path(super().result_path())
        return str(self._results if self._results and path.name == RUN_RESULTS else path)

    def get_graph_queue(self) -> GraphQueue:
        """Queue the retry set; as in `dbt build`, unit tests go with their model and before it."""
        selected_resources.set_selected_resources(set(self._selection))
        queued = set(self._plan.nodes)
        if isinstance(self, BuildTask):
            unit_tests = {
                unique_id
                for unique_id in queued & self.manifest.unit_tests.keys()
                if self.manifest.unit_tests[unique_id].depends_on.nodes[0] in queued
            }
            self.selected_unit_tests = unit_tests
            self.build_model_to_unit_test_map(sorted(unit_tests))
            queued -= unit_tests
        subset = self.graph.get_subset_graph(queued)
        return GraphQueue(subset.graph, self.manifest, queued)

    def _runtime_initialize(self) -> None:
        for write in self._graph_files:
            write()
        self._graph_files = ()
        super()._runtime_initialize()
        if self._plan.hooks and not self._plan.nodes:
            self._flattened_nodes = _HooksOnly()


def _type_of(unique_id: str) -> str:
    """Dbt's resource type of a node, in the words of `--resource-type`."""
    return unique_id.split(".", 1)[0]


def resumed_task(
    command: str, flags: Flags, config: RuntimeConfig, manifest: Manifest, catalogs: Any
) -> ConfiguredTask:
    """Create the original command's task; one with a graph is a `ResumedTask` too.

    Args:
        command: dbt's `which`.
        flags: The flags of the original command.
        config: Its configuration.
        manifest: Today's manifest.
        catalogs: Its catalogs, where its version has them.
    """
    task_class = TASKS[command]
    if issubclass(task_class, GraphRunnableTask):
        task_class = type(f"Resumed{task_class.__name__}", (ResumedTask, task_class), {})
    task = task_class(flags, config, manifest, **task_arguments(task_class, catalogs))
    if isinstance(task, ResumedTask):
        with task_contextvars(project_root=config.project_root):
            task.compile_manifest()
    return task
