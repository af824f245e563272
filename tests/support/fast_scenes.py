"""Projects brought to a failed state once, to be retried again and again, each time from the same state and in the same place."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks import layered_project
from tests.benchmarks.layered_project import Shape
from tests.support.invocations import Dbt, Invocation, Starter, dbt_version, tool_environment
from tests.support.observations import graph_in, steady_json, steady_text, stored_manifest_in
from tests.support.projects import DbtProject

SHAPE = Shape(40)
# All of what Jinja's graph holds, in the compiled SQL of a node that is retried. dbt-core 1.12 shows nodes as they are
# at the moment, so what stands there depends on which other nodes are done.
_GRAPH = "-- {{ id }}" + (" {{ tojson(node) }}" if dbt_version() < (1, 12) else "")
READS_THE_GRAPH = f"""
{{% if execute %}}{{% for id, node in graph['nodes'].items() | sort(attribute='0') %}}
{_GRAPH}
{{% endfor %}}{{% endif %}}
select id from raw.one
"""


@dataclass(frozen=True)
class Scene:
    """A project after a command that failed and with what it failed for put right; `saved` holds it."""

    folder: Path
    saved: Path
    environment: Mapping[str, str]
    start: Starter

    def restore(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.saved, self.folder, symlinks=True)

    def dbt(self, *arguments: str, **environment: str) -> Invocation:
        run = Dbt(self.start, self.folder, {**self.environment, **environment}, self.folder / "logs" / "dbt.log")
        return run(*arguments)

    def artifacts_after(self, *arguments: str, **environment: str) -> dict[str, Any]:
        """Retry from the failed state, and read what that left."""
        self.restore()
        invocation = self.dbt(*arguments, **environment)
        assert invocation.exit_code == 0, invocation.output
        return dict(read_artifacts(self.folder / "target"))


def read_artifacts(target: Path) -> Mapping[str, Any]:
    """What is in a target folder, freed of times and ids; what dbt writes the same each time is compared as text.

    Of JSON everything is, the order of its members too, but the blanks between them.
    """
    texts = {
        file.relative_to(target).as_posix(): steady_text(
            _as_dumped(file) if file.suffix == ".json" else file.read_text()
        )
        for file in sorted(target.rglob("*"))
        if file.is_file() and file.suffix in (".sql", ".json") and "retry_plus" not in file.parts
    }
    return {
        **texts,
        "run_results.json": by_node(json.loads((target / "run_results.json").read_text())),
        "graph.gpickle": graph_in(target / "graph.gpickle"),
        "partial_parse.msgpack": stored_manifest_in(target / "partial_parse.msgpack"),
    }


def _as_dumped(file: Path) -> str:
    return json.dumps(json.loads(file.read_bytes()))


def by_node(results: Mapping[str, Any]) -> Mapping[str, Any]:
    """Threads finish in any order; the arguments tell the name of the command, and options that are ours alone."""
    rows = {row["unique_id"]: row for row in steady_json(results["results"])}
    recorded = {name: value for name, value in steady_json(results["args"]).items() if name != "sqlparse"}
    return {"metadata": steady_json(results["metadata"]), "args": recorded, "results": rows}


def layered_scene(root: Path, start: Starter) -> Scene:
    folder, home = root / "layered", root / "home"
    home.mkdir(exist_ok=True)
    layered_project.write_project(folder, SHAPE, threads=1)  # DuckDB 1.1 may crash as one thread closes
    (folder / "models" / "reads_the_graph.sql").write_text(READS_THE_GRAPH)
    layered_project.prepare_warehouse(folder, SHAPE, missing="one")
    environment = tool_environment(home, {"DBT_PROFILES_DIR": str(folder)})
    scene = Scene(folder, root / "layered.saved", environment, start)
    built = scene.dbt("build")
    assert built.exit_code == 1, built.output
    layered_project.put_right(folder, "one")
    shutil.copytree(folder, scene.saved, symlinks=True)
    return scene


def jaffle_shop_scene(root: Path, start: Starter, project: DbtProject) -> Scene:
    home = root / "home"
    home.mkdir(exist_ok=True)
    environment = tool_environment(home, {**project.environment, "DBT_PROFILES_DIR": str(project.folder)})
    scene = Scene(project.folder, root / "jaffle_shop.saved", environment, start)
    project.set_switch("orders")
    built = scene.dbt("build")
    assert built.exit_code == 1, built.output
    project.clear_switches()
    shutil.copytree(project.folder, scene.saved, symlinks=True)
    return scene
