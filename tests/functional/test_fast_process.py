"""What saves time stays within the command: dbt is as it was after it, and a process that ends quickly has done everything."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.layered_project import WAREHOUSE
from tests.functional.refusals import sentence
from tests.support.fast_scenes import Scene
from tests.support.invocations import DBT_SCRIPT

IN_ONE_PROCESS = """
import gc, json, sys
from dbt.adapters.base.impl import BaseAdapter
from dbt.artifacts.schemas.manifest import WritableManifest
from dbt.cli.main import cli, dbtRunner
from dbt.compilation import Linker
from dbt.contracts.graph import manifest
from dbt.graph.graph import Graph
from dbt.parser.manifest import ManifestLoader
from dbt.task.runnable import GraphRunnableTask

TOUCHED = (BaseAdapter, Graph, GraphRunnableTask, Linker, manifest.Manifest, manifest, ManifestLoader, WritableManifest)
SERIALIZERS = "mashumaro"  # made by each class when it is first used

def state():
    own = [{name: id(value) for name, value in vars(owner).items() if SERIALIZERS not in name} for owner in TOUCHED]
    return own, gc.isenabled(), gc.get_threshold(), cli.leave

frozen = gc.get_freeze_count()
dbtRunner().invoke(["parse"])
before = state()
success = [dbtRunner().invoke(arguments.split()).success for arguments in sys.argv[1:]]
print(json.dumps({"success": success, "untouched": state() == before, "frozen": gc.get_freeze_count() > frozen}))
"""

AT_EXIT = """
import atexit, os, threading
from pathlib import Path

if __import__("sys").argv[0].endswith("/dbt"):
    here = Path(__file__).parent

    class TakenApart:
        def __del__(self, write=os.write):  # of Python itself, little is left by then
            write(2, b"taken apart")

    def wait_for_main():
        threading.main_thread().join()
        (here / "thread").touch()

    atexit.register((here / "exit handler").touch)
    threading.Thread(target=wait_for_main).start()
    __import__("sys").kept_until_the_end = TakenApart()
"""


def python(scene: Scene, script: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=scene.folder,
        env=dict(scene.environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.every_minor
def test_dbt_is_as_it_was_in_a_process_that_goes_on(layered: Scene) -> None:
    layered.restore()
    answer = python(layered, IN_ONE_PROCESS, "--quiet retry-plus", "--quiet build --select m1", "--quiet retry-plus")
    assert answer == {"success": [True, True, True], "untouched": True, "frozen": False}


def test_dbt_is_as_it_was_after_a_retry_that_could_not_run(layered: Scene) -> None:
    layered.restore()
    (layered.folder / WAREHOUSE).write_text("no warehouse")
    answer = python(layered, IN_ONE_PROCESS, "--quiet retry-plus")
    assert answer == {"success": [False], "untouched": True, "frozen": False}


def test_the_manifest_is_there_although_no_node_could_run(layered: Scene) -> None:
    found = {}
    for command in ("retry", "retry-plus"):
        layered.restore()
        (layered.folder / WAREHOUSE).write_text("no warehouse")
        before = written_by(layered)
        assert layered.dbt(command).exit_code != 0
        found[command] = written_by(layered) != before
    assert found == {"retry": True, "retry-plus": True}


def test_an_unknown_piece_is_refused(layered: Scene) -> None:
    layered.restore()
    before = written_by(layered)
    refused = layered.dbt("retry-plus", DBT_RETRY_PLUS_FAST="garbidge")
    assert refused.exit_code == 2
    assert "DBT_RETRY_PLUS_FAST names 'garbidge'" in sentence(refused)
    assert written_by(layered) == before


@pytest.mark.parametrize(("pieces", "quick"), [("1", True), ("0", False)])
@pytest.mark.parametrize(("arguments", "exit_code"), [((), 0), (("--invocation", "unknown"), 2)])
def test_a_process_that_ends_quickly_has_done_everything(
    layered: Scene, tmp_path: Path, pieces: str, quick: bool, arguments: tuple[str, ...], exit_code: int
) -> None:
    layered.restore()
    (tmp_path / "sitecustomize.py").write_text(AT_EXIT)
    done = subprocess.run(
        [str(DBT_SCRIPT), "retry-plus", *arguments],
        cwd=layered.folder,
        env={**layered.environment, "PYTHONPATH": str(tmp_path), "DBT_RETRY_PLUS_FAST": pieces},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == exit_code, done.stdout + done.stderr
    assert (tmp_path / "exit handler").exists() and (tmp_path / "thread").exists()
    assert ("taken apart" in done.stderr) is not quick
    assert "resource_tracker" not in done.stderr and "Traceback" not in done.stderr
    assert exit_code != 0 or "Resumed from" in done.stdout.splitlines()[-1]


def written_by(scene: Scene) -> str:
    manifest: dict[str, Any] = json.loads((scene.folder / "target" / "manifest.json").read_text())
    return str(manifest["metadata"]["invocation_id"])
