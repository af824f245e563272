from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(sys.executable).with_name("dbt-retry-plus")


def demo(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SCRIPT), "demo", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        text=True,
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_the_demo_shows_the_main_job(tmp_path: Path) -> None:
    shown = demo(tmp_path, DBT_TARGET="nowhere", DBT_PROFILES_DIR="/nowhere")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    build, retry = shown.stdout.split("$ dbt retry-plus", 1)
    assert "$ dbt build" in build
    assert "ERROR=1" in build
    assert "-    amout / 100 as amount" in build
    assert "+    amount / 100 as amount" in build
    assert "1 of 10 START sql view model main.stg_payments" in retry
    assert "raw_customers" not in retry
    assert "ERROR=0" in retry
    assert "All is built and tested: 4 customers and 5 orders." in retry
    assert (tmp_path / "dbt-retry-plus-demo" / "target" / "run_results.json").is_file()


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").write_text("kept")
    refused = demo(tmp_path, "mine")
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr.splitlines() == [
        "mine is there already and is not an empty folder. Name another: dbt-retry-plus demo FOLDER"
    ]
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["precious"]


@pytest.mark.parametrize("folder", ["file", "file/below"])
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").write_text("kept")
    refused = demo(tmp_path, folder)
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert "dbt-retry-plus demo FOLDER" in refused.stderr
    assert (tmp_path / "file").read_text() == "kept"
