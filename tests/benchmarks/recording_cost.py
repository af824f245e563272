"""Print what recording costs a `dbt run` of many models.

    python tests/benchmarks/recording_cost.py [--models 1000] [--runs 5]

Run it with an interpreter that has dbt-retry-plus, dbt-core and dbt-duckdb installed. Fresh processes in turns, with
recording and with DBT_RETRY_PLUS_RECORD=0, so that a busy minute of the machine falls on both; medians, and the
median of the ratios of the pairs.

It measures and asserts nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BIN = Path(sys.executable).parent
MODELS_PER_LAYER = 50


def main() -> None:
    parser = argparse.ArgumentParser(description="Print what recording costs.")
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = write_project(Path(folder), arguments.models)
        seconds_of_a_run(project, "1")  # parses, and fills the page cache
        recorded, unrecorded = [], []
        for number in range(arguments.runs):
            for record, times in (("1", recorded), ("0", unrecorded))[:: 1 if number % 2 else -1]:
                times.append(seconds_of_a_run(project, record))
        ratios = [with_it / without for with_it, without in zip(recorded, unrecorded, strict=True)]
        print(f"dbt run of {arguments.models} models, medians of {arguments.runs} processes each")
        print(f"  recorded      {statistics.median(recorded):7.2f} s")
        print(f"  not recorded  {statistics.median(unrecorded):7.2f} s")
        print(f"  ratio         {statistics.median(ratios):7.3f}  ({min(ratios):.3f} to {max(ratios):.3f})")


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


def seconds_of_a_run(project: Path, record: str) -> float:
    environment = {**os.environ, "DBT_RETRY_PLUS_RECORD": record, "DBT_PROFILES_DIR": str(project)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = time.perf_counter()
    subprocess.run([BIN / "dbt", "--quiet", "run"], cwd=project, env=environment, check=True)
    return time.perf_counter() - before


if __name__ == "__main__":
    main()
