"""What saves time changes nothing else: with all of it, and with each piece alone, a retry leaves what `dbt retry` leaves."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dbt_retry_plus.dbtcore.fast.choice import NAMES, OF_IMPORTS
from tests.support.fast_scenes import Scene, jaffle_shop_scene
from tests.support.invocations import ColdDbt, WarmDbt
from tests.support.projects import copy_project

# The last two need a process of their own; of source_files more is in tests/unit/dbtcore/test_fast_files.py.
ALONE = tuple(name for name in NAMES if name not in (*OF_IMPORTS, "quick_exit", "source_files"))
# A hook of jaffle_shop writes down `selected_resources`, which `dbt retry` leaves empty (row 16 of our differences).
SELECTED = re.compile(r"""('<id>', 'build', \d+,[\\n ]+)'[^']*'""")
PARSED_AT = re.compile(r"""(created_at[\\"]+: )[\d.]+""")
RETRY_PLUS = ("retry-plus", "--no-merge-results")


@pytest.fixture(scope="module")
def left_by_upstream(layered: Scene) -> dict[str, Any]:
    return layered.artifacts_after("retry")


@pytest.mark.parametrize("pieces", [pytest.param("1", marks=pytest.mark.every_minor), *ALONE])
def test_the_artifacts_of_a_layered_project_are_those_of_dbt_retry(
    layered: Scene, left_by_upstream: dict[str, Any], pieces: str
) -> None:
    assert_same(layered.artifacts_after(*RETRY_PLUS, DBT_RETRY_PLUS_FAST=pieces), left_by_upstream)


@pytest.mark.parametrize("pieces", [pytest.param("1", marks=pytest.mark.every_minor), *OF_IMPORTS])
def test_the_artifacts_that_a_process_of_its_own_leaves_are_those_of_dbt_retry(
    layered: Scene, left_by_upstream: dict[str, Any], pieces: str
) -> None:
    assert_same(
        replace(layered, start=ColdDbt()).artifacts_after(*RETRY_PLUS, DBT_RETRY_PLUS_FAST=pieces), left_by_upstream
    )


def test_the_artifacts_of_jaffle_shop_are_those_of_dbt_retry(tmp_path: Path, warm_dbt: WarmDbt) -> None:
    project = copy_project("jaffle_shop", tmp_path / "jaffle_shop", threads=1)
    scene = jaffle_shop_scene(tmp_path, warm_dbt, project)
    ours, upstream = scene.artifacts_after(*RETRY_PLUS), scene.artifacts_after("retry")
    assert_same(without(SELECTED, ours), without(SELECTED, upstream))


def test_the_artifacts_after_an_edit_are_those_of_dbt_retry(layered: Scene, tmp_path: Path) -> None:
    saved = tmp_path / "edited"
    layered.restore()
    (layered.folder / "models" / "layer_2" / "m9.sql").write_text("select 1 as id, 2 as value\n")
    properties = layered.folder / "models" / "properties_0.yml"
    properties.write_text(properties.read_text().replace("The key of all of them.", "The key."))
    layered.folder.rename(saved)
    edited = Scene(layered.folder, saved, layered.environment, layered.start)
    ours = edited.artifacts_after(*RETRY_PLUS, "--changed", "none")
    assert "The key of all" not in ours["manifest.json"]
    assert_same(without(PARSED_AT, ours), without(PARSED_AT, edited.artifacts_after("retry")))


# In each process, before anything else: write down which other processes it starts.
STARTED = """
import sys
from pathlib import Path

def note(event, arguments, started=Path(__file__).with_name("started")):
    if event == "subprocess.Popen":
        with started.open("a") as file:
            file.write(" ".join(map(str, arguments[1])) + chr(10))

sys.addaudithook(note)
"""


@pytest.mark.every_minor
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is no other processor to read files on")
def test_the_artifacts_of_a_large_project_whose_files_another_process_reads_are_those_of_dbt_retry(
    layered: Scene, tmp_path: Path
) -> None:
    layered.restore()
    properties = layered.folder / "models" / "properties_0.yml"
    properties.write_text(properties.read_text().replace("The key of all of them.", "The key. " * 500_000, 1))
    assert layered.dbt("parse").exit_code == 0
    layered.folder.rename(tmp_path / "large")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(STARTED)
    environment = {**layered.environment, "PYTHONPATH": str(tmp_path / "site")}
    large = Scene(layered.folder, tmp_path / "large", environment, ColdDbt())
    ours = large.artifacts_after(*RETRY_PLUS, "--changed", "none")
    assert "file_reader.py" in (tmp_path / "site" / "started").read_text()
    assert_same(ours, large.artifacts_after("retry"))


def without(pattern: re.Pattern[str], artifacts: dict[str, Any]) -> dict[str, Any]:
    return {name: pattern.sub(r"\1", json.dumps(content, sort_keys=True)) for name, content in artifacts.items()}


def assert_same(ours: dict[str, Any], upstream: dict[str, Any]) -> None:
    assert ours.keys() == upstream.keys()
    different = [name for name in upstream if ours[name] != upstream[name]]
    for name in different:  # pytest would compare megabytes
        print(name, first_difference(str(ours[name]), str(upstream[name])), sep="\n")
    assert not different


def first_difference(ours: str, upstream: str) -> str:
    at = next((n for n, pair in enumerate(zip(ours, upstream, strict=False)) if pair[0] != pair[1]), 0)
    return f"  ours:     …{ours[max(0, at - 120) : at + 120]}…\n  upstream: …{upstream[max(0, at - 120) : at + 120]}…"
