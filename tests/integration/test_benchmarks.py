"""The one command that makes docs/performance.md, on projects so small that its figures tell nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = ROOT / "tests" / "benchmarks" / "performance.py"


def test_one_command_measures_and_writes_the_page(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "performance.md"
    options = ["--keep", tmp_path / "kept", "--page", page, "--small", "--repeat", "1"]
    done = subprocess.run(
        [sys.executable, COMMAND, *options], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = page.read_text().splitlines()
    figures = [line.split("|")[1:-1] for line in lines if line.startswith("| 1.")]
    retries = [row for row in figures if len(row) == 13]
    assert {row[3].strip() for row in retries} == {
        "`dbt retry`",
        "`dbt build -s result:error+ result:skipped`",
        "`dbt retry-plus`",
        "`dbt retry-plus --dry-run`",
    }
    for row in retries:  # a node ran in all but the dry run, and within the process
        wall, before, after = (cell.strip() for cell in (row[5], row[8], row[9]))
        assert bool(before) == bool(after) == ("dry-run" not in row[3])
        assert not before or 0 < float(before) + float(after) <= float(wall) + 0.1
    assert (page.parent / "performance.svg").read_text().count("<polyline") == 2
    headings = [line for line in lines if line.startswith("#")]
    assert headings == [line for line in (ROOT / "docs" / "performance.md").read_text().splitlines() if line[:1] == "#"]
