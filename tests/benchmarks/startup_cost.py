"""Print what the startup file costs a Python process that never touches dbt, and what it adds to commands of dbt.

    python tests/benchmarks/startup_cost.py [--runs 200] [--dbt-runs 20]

Run it with an interpreter that has dbt-retry-plus and dbt-duckdb installed. Medians over fresh processes:

- the line itself: what executing the `.pth` line takes, measured inside the process;
- whole processes as they are, beside the same with DBT_RETRY_PLUS_DISABLE=1, in turns: `python -c pass`; `dbt --help`,
  which lists our command too; `dbt clean` and `dbt list`, of which nothing is recorded.

It measures and asserts nothing: a test asserts which modules the line imports.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

MEASURE_THE_LINE = """
import os, stat, sys, time
sys.path[:] = sys.argv[2:]
with open(sys.argv[1], encoding="utf-8") as startup_file:
    line = next(line for line in startup_file if line.startswith("import "))
before = time.perf_counter()
exec(line)
print(time.perf_counter() - before)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Print what the startup file costs.")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--dbt-runs", type=int, default=20)
    arguments = parser.parse_args()
    site_packages = Path(sysconfig.get_path("purelib"))
    startup_file = site_packages / "dbt_retry_plus.pth"
    if not startup_file.exists():
        sys.exit(f"dbt-retry-plus is not installed in {site_packages}")

    print(f"Python {sys.version.split()[0]}, dbt-core {version('dbt-core')}, medians of fresh processes")
    line = [seconds_of_the_line(startup_file) for _ in range(arguments.runs)]
    print(f"  {'the .pth line':16} {milliseconds(line)}")
    with tempfile.TemporaryDirectory() as folder:
        write_project(Path(folder))
        compare("python -c pass", [sys.executable, "-c", "pass"], folder, arguments.runs)
        for command in ("--help", "clean", "list"):
            compare(f"dbt {command}", [str(Path(sys.executable).parent / "dbt"), command], folder, arguments.dbt_runs)


def compare(name: str, command: list[str], folder: str, runs: int) -> None:
    enabled, disabled = [], []
    for _ in range(runs):  # in turns, so that a busy minute of the machine falls on both
        enabled.append(seconds_of_a_process(command, folder, {}))
        disabled.append(seconds_of_a_process(command, folder, {"DBT_RETRY_PLUS_DISABLE": "1"}))
    added = statistics.median(on - off for on, off in zip(enabled, disabled, strict=True))
    figures = f"{milliseconds(enabled)}, disabled {milliseconds(disabled)}, adds {milliseconds([added])}"
    print(f"  {name:16} {figures} ({runs} runs)", flush=True)


def write_project(folder: Path) -> None:
    (folder / "dbt_project.yml").write_text("name: empty\nversion: '1.0'\nprofile: empty\n")
    (folder / "profiles.yml").write_text("empty: {target: dev, outputs: {dev: {type: duckdb, path: a.duckdb}}}\n")
    (folder / "models").mkdir()
    (folder / "models" / "one.sql").write_text("select 1 as id\n")


def seconds_of_the_line(startup_file: Path) -> float:
    search_path = sys.path[1:]  # without the folder of this script
    command = [sys.executable, "-S", "-c", MEASURE_THE_LINE, str(startup_file), *search_path]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def seconds_of_a_process(command: list[str], folder: str, variables: dict[str, str]) -> float:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
    before = time.perf_counter()
    subprocess.run(command, check=True, cwd=folder, env={**environment, **variables}, stdout=subprocess.DEVNULL)
    return time.perf_counter() - before


def milliseconds(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:7.3f} ms"


if __name__ == "__main__":
    main()
