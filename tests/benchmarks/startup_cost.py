"""Print what the startup file costs a Python process that never touches dbt.

    python tests/benchmarks/startup_cost.py [--runs 200]

Run it with an interpreter that has dbt-retry-plus installed. Two medians over fresh processes:

- the line itself: what executing the `.pth` line takes, measured inside the process;
- the whole process: `python -c pass` as it is, beside the same with DBT_RETRY_PLUS_DISABLE=1. The difference
  is what waiting for dbt costs beyond reading the file, and is smaller than the noise.

It measures and asserts nothing: a test asserts which modules the line imports.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import sysconfig
import time
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
    runs = parser.parse_args().runs
    site_packages = Path(sysconfig.get_path("purelib"))
    startup_file = site_packages / "dbt_retry_plus.pth"
    if not startup_file.exists():
        sys.exit(f"dbt-retry-plus is not installed in {site_packages}")

    line = [seconds_of_the_line(startup_file) for _ in range(runs)]
    enabled, disabled = [], []
    for _ in range(runs):  # in turns, so that a busy minute of the machine falls on both
        enabled.append(seconds_of_a_process({}))
        disabled.append(seconds_of_a_process({"DBT_RETRY_PLUS_DISABLE": "1"}))

    print(f"Python {sys.version.split()[0]}, medians of {runs} fresh processes")
    print(f"  the .pth line                  {milliseconds(line)}")
    print(f"  python -c pass, waiting        {milliseconds(enabled)}")
    print(f"  python -c pass, disabled       {milliseconds(disabled)}")


def seconds_of_the_line(startup_file: Path) -> float:
    search_path = sys.path[1:]  # without the folder of this script
    command = [sys.executable, "-S", "-c", MEASURE_THE_LINE, str(startup_file), *search_path]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def seconds_of_a_process(environment: dict[str, str]) -> float:
    before = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True, env={**os.environ, **environment})
    return time.perf_counter() - before


def milliseconds(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:7.3f} ms"


if __name__ == "__main__":
    main()
