"""Print what the startup file costs a Python process that never touches dbt, and what it adds to commands of dbt.

    python tests/benchmarks/startup_cost.py [--runs 200] [--dbt-runs 20]

Run it with an interpreter that has dbt-retry-plus and dbt-duckdb installed. Medians over fresh processes:

- the line itself: what executing the `.pth` line takes, measured inside the process;
- whole processes as they are, beside the same with DBT_RETRY_PLUS_DISABLE=1, in turns: `python -c pass`; `dbt --help`,
  which lists our command too; `dbt list` and `dbt clean`, of which nothing is recorded.

It measures and asserts nothing: a test asserts which modules the line imports.
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from retry_cost import BIN, DISABLED, environment

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
    print(f"Python {sys.version.split()[0]}, dbt-core {version('dbt-core')}, medians of fresh processes")
    for found in measure(arguments.runs, arguments.dbt_runs):
        apart = "" if found.disabled is None else f", disabled {found.disabled:7.1f} ms, adds {found.added:7.1f} ms"
        apart += "" if found.instructions is None else f", {found.instructions:.3%} more instructions"
        print(f"  {found.name:16} {found.enabled:7.1f} ms{apart} ({found.runs} runs)", flush=True)


class StartUp(NamedTuple):
    """Milliseconds of a process, as it is and with DBT_RETRY_PLUS_DISABLE=1, and of the pairs' differences: medians.

    On a machine whose speed varies by more than what is added, the share of instructions that is added tells more, where
    valgrind is there to count them.
    """

    name: str
    runs: int
    enabled: float
    disabled: float | None = None
    added: float | None = None
    instructions: float | None = None


def measure(runs: int = 200, dbt_runs: int = 20, *, counting: bool = True) -> Iterator[StartUp]:
    site_packages = Path(sysconfig.get_path("purelib"))
    startup_file = site_packages / "dbt_retry_plus.pth"
    if not startup_file.exists():
        sys.exit(f"dbt-retry-plus is not installed in {site_packages}")
    line = [seconds_of_the_line(startup_file) for _ in range(runs)]
    yield StartUp("the .pth line", runs, milliseconds(line))
    with tempfile.TemporaryDirectory() as folder:
        yield compare("python -c pass", [sys.executable, "-c", "pass"], [folder], runs)
        # Of several sizes: a few objects more bring forth a collection of all garbage (70 ms) in some of them.
        folders = [write_project(Path(folder), models) for models in range(1, dbt_runs + 1)]
        some = [folders[0], folders[len(folders) // 2], folders[-1]] if counting else []
        for command in ("--help", "list", "clean"):  # the last of them forgets what is parsed
            counted_in = some if command == "list" else some[:1]  # the others do not look at nodes
            yield compare(f"dbt {command}", [str(BIN / "dbt"), command], folders, dbt_runs, counted_in)


def compare(name: str, command: list[str], folders: list[str], runs: int, counted_in: Sequence[str] = ()) -> StartUp:
    both: dict[bool, list[float]] = {True: [], False: []}
    for number in range(runs):  # in turns, so that a busy minute of the machine falls on both
        folder = folders[number % len(folders)]
        for enabled in (True, False) if number % 2 else (False, True):
            variables = {} if enabled else DISABLED
            both[enabled].append(seconds_of_a_process(command, folder, variables))
    added = [on - off for on, off in zip(both[True], both[False], strict=True)]
    share = None
    if counted_in and shutil.which("valgrind"):
        share = statistics.median(more_instructions(command, folder) for folder in counted_in)
    return StartUp(name, runs, milliseconds(both[True]), milliseconds(both[False]), milliseconds(added), share)


def write_project(root: Path, models: int) -> str:
    folder = root / str(models)
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text("name: small\nversion: '1.0'\nprofile: small\n")
    (folder / "profiles.yml").write_text("small: {target: dev, outputs: {dev: {type: duckdb, path: a.duckdb}}}\n")
    for number in range(models):
        (folder / "models" / f"m{number}.sql").write_text("select 1 as id\n")
    seconds_of_a_process([str(BIN / "dbt"), "parse"], str(folder), {})
    return str(folder)


def seconds_of_the_line(startup_file: Path) -> float:
    search_path = sys.path[1:]  # without the folder of this script
    command = [sys.executable, "-S", "-c", MEASURE_THE_LINE, str(startup_file), *search_path]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def seconds_of_a_process(command: list[str], folder: str, variables: Mapping[str, str]) -> float:
    before = time.perf_counter()
    every = {**environment(Path(folder)), **variables}
    subprocess.run(command, check=True, cwd=folder, env=every, stdout=subprocess.DEVNULL)
    return time.perf_counter() - before


def more_instructions(command: list[str], folder: str) -> float:
    on, off = (instructions_of(command, folder, variables) for variables in ({}, DISABLED))
    return on / off - 1


def instructions_of(command: list[str], folder: str, variables: Mapping[str, str]) -> int:
    """Count the instructions that the processor executes for a script."""
    counting = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, *command]
    done = subprocess.run(
        counting,
        check=True,
        cwd=folder,
        env={**environment(Path(folder)), **variables, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
    )
    return int(re.findall(r"Collected : (\d+)", done.stderr)[0])


def milliseconds(seconds: list[float]) -> float:
    return statistics.median(seconds) * 1000


if __name__ == "__main__":
    main()
