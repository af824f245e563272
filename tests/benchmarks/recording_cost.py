"""Print what recording costs a `dbt run` of many models.

    python tests/benchmarks/recording_cost.py [--models 1000] [--runs 5]

Run it with an interpreter that has dbt-retry-plus, dbt-core and dbt-duckdb installed. Fresh processes in turns, with
recording and with DBT_RETRY_PLUS_DISABLE=1, so that a busy minute of the machine falls on both; medians, and the
median of the ratios of the pairs. CPU time is that of the whole process, and steadier where other work shares the machine.

It measures and asserts nothing.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from retry_cost import BIN, DISABLED, environment

MODELS_PER_LAYER = 50


def main() -> None:
    parser = argparse.ArgumentParser(description="Print what recording costs.")
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    found = measure(arguments.models, arguments.runs)
    print(f"dbt run of {arguments.models} models, medians of {arguments.runs} processes each")
    for what, cost in (("wall", found.wall), ("cpu", found.cpu)):
        print(f"  {what}: recorded {cost.recorded:.2f} s, not recorded {cost.unrecorded:.2f} s")
        print(f"    ratio {cost.ratio:.3f}  ({cost.lowest:.3f} to {cost.highest:.3f})")


class Cost(NamedTuple):
    """Medians in seconds, with recording and without, and the ratios of the pairs."""

    recorded: float
    unrecorded: float
    ratio: float
    lowest: float
    highest: float


class Recording(NamedTuple):
    """What recording cost a `dbt run` of so many models, in pairs of runs."""

    models: int
    pairs: int
    wall: Cost
    cpu: Cost


def measure(models: int, runs: int = 5) -> Recording:
    with tempfile.TemporaryDirectory() as folder:
        project = write_project(Path(folder), models)
        run_once(project, {})  # parses, and fills the page cache
        recorded: list[Run] = []
        unrecorded: list[Run] = []
        for number in range(runs):
            for variables, found in (({}, recorded), (DISABLED, unrecorded))[:: 1 if number % 2 else -1]:
                found.append(run_once(project, variables))
    costs = []
    for what in ("wall", "cpu"):
        with_it, without = ([getattr(run, what) for run in found] for found in (recorded, unrecorded))
        ratios = [one / other for one, other in zip(with_it, without, strict=True)]
        medians = (statistics.median(figures) for figures in (with_it, without, ratios))
        costs.append(Cost(*medians, min(ratios), max(ratios)))
    return Recording(models, runs, *costs)


def write_project(folder: Path, models: int) -> Path:
    (folder / "models").mkdir()
    settings = {"name": "many", "version": "1.0", "profile": "many", "flags": {"send_anonymous_usage_stats": False}}
    (folder / "dbt_project.yml").write_text(json.dumps(settings))
    output = {"type": "duckdb", "path": str(folder / "many.duckdb"), "threads": 4}
    (folder / "profiles.yml").write_text(json.dumps({"many": {"target": "dev", "outputs": {"dev": output}}}))
    for number in range(models):
        parent = number - MODELS_PER_LAYER
        source = f"{{{{ ref('m{parent}') }}}}" if parent >= 0 else "(select 1 as id)"
        (folder / "models" / f"m{number}.sql").write_text(f"select * from {source} as parent")
    return folder


class Run(NamedTuple):
    """Seconds that a run took."""

    wall: float
    cpu: float


def run_once(project: Path, variables: Mapping[str, str]) -> Run:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([BIN / "dbt", "--quiet", "run"], cwd=project, env={**environment(project), **variables}, check=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Run(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


if __name__ == "__main__":
    main()
