"""Measure `dbt retry-plus` beside `dbt retry` and `dbt build --select result:error+`.

    python tests/benchmarks/retry_cost.py --keep FOLDER [--models 10 100 1000] [--missing one some] [--made] [--dense]

Run it with an interpreter that has dbt-retry-plus, dbt-core and dbt-duckdb installed. A generated project is built once
for each size, fails, and is kept in FOLDER for the next time. Each command starts from a copy of that state in the same
place, with what the nodes lacked put right in the warehouse and no file of the project touched, so that partial parsing
finds nothing to do. With --made the state is made and not built (`made_state.py`): that of 10,000 models, or of a dense
project, in minutes. The commands take turns, so that a busy minute of the machine falls on all of them.

Wall time includes the interpreter's start and end. CPU time is that of the process and its children; on a machine that
others use too it is the steadier of the two. When the first node began and the last one ended, dbt's log tells. What a
later attempt costs is seen where nothing was put right: each of six attempts fails, or the only one does.

It measures and asserts nothing. `performance.py` makes docs/performance.md of this, and more.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from layered_project import SWITCHES, Shape, models_that_read, prepare_warehouse, put_right, write_project
from made_state import build_some_of

BIN = Path(sys.executable).parent
DISABLED: Mapping[str, str] = {"DBT_RETRY_PLUS_DISABLE": "1"}
UPSTREAM, OURS = "dbt retry", "dbt retry-plus"
COMMANDS: Mapping[str, tuple[str, ...]] = {
    UPSTREAM: ("retry",),
    "dbt build -s result:error+ result:skipped": (
        "build",
        "--select",
        "result:error+",
        "result:skipped",
        "--state",
        "state",
    ),
    OURS: ("retry-plus",),
    f"{OURS} --dry-run": ("retry-plus", "--dry-run"),
}
ATTEMPTS = 6
_AT_ONCE = ("--retry-on", "any", "--delay", "0s", "--jitter", "0s")
FAILING: Mapping[str, tuple[str, ...]] = {
    f"{OURS}, which fails": ("retry-plus",),
    f"{OURS} --attempts {ATTEMPTS}, which all fail": ("retry-plus", "--attempts", str(ATTEMPTS), *_AT_ONCE),
}
_OF_NODES = re.compile(r"^(?:\x1b\[0m)?(\d\d):(\d\d):(\d\d\.\d+) .*(Began|Finished) running node ")
_DAY = 86_400


@dataclass(frozen=True)
class Case:
    """A project, and which of its nodes fail."""

    models: int
    missing: str
    dense: bool = False
    made: bool = False

    @property
    def name(self) -> str:
        knit, missing = "-dense" if self.dense else "", "" if self.missing == SWITCHES[0] else f"-{self.missing}"
        return f"t{self.models}{knit}{missing}{'-made' if self.made else ''}"


@dataclass(frozen=True)
class Sample:
    """One process: seconds and MB; the seconds until the first node began and since the last ended, where any ran."""

    case: str
    command: str
    wall: float
    cpu: float
    memory: float
    before: float | None
    after: float | None


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure retries.")
    parser.add_argument("--keep", type=Path, required=True, help="where built projects are, and are kept")
    parser.add_argument("--models", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--missing", choices=SWITCHES, nargs="+", default=["one"])
    parser.add_argument("--dense", action="store_true")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--made", action="store_true", help="do not build the project: make what that leaves")
    arguments = parser.parse_args()
    for models in arguments.models:
        for missing in arguments.missing:
            case = Case(models, missing, arguments.dense, arguments.made)
            measure(arguments.keep.resolve(), case, arguments.repeat)


def measure(keep: Path, case: Case, repeat: int) -> None:
    """Measure the commands in turns, and put the samples beside the project."""
    project = keep / f"v{minor().replace('.', '')}-{case.name}"
    saved = keep / f"{project.name}.saved"
    if not saved.exists():
        build(project, saved, case)
    samples: list[Sample] = []
    for number in range(repeat):
        commands = [*COMMANDS.items(), *(FAILING.items() if case.missing == SWITCHES[0] else ())]
        for name, command in commands if number % 2 else reversed(commands):
            sample = one_process(project, saved, case, name, command)
            samples.append(sample)
            figures = f"{sample.wall:7.2f} s {sample.cpu:7.2f} s CPU {sample.memory:5.0f} MB"
            print(f"{minor()} {case.name:12} {name:45} {figures}", flush=True)
        document = {"case": asdict(case), "machine": machine(), "samples": [asdict(sample) for sample in samples]}
        (keep / f"{project.name}.json").write_text(json.dumps(document, indent=1))


def build(project: Path, saved: Path, case: Case) -> None:
    shutil.rmtree(project, ignore_errors=True)
    shape = Shape(case.models, case.dense)
    write_project(project, shape)
    prepare_warehouse(project, shape, missing=case.missing)
    if case.made:
        failing = models_that_read(case.missing, shape)
        exit_code = build_some_of(project, failing, BIN / "dbt", environment(project))
    else:
        command = [BIN / "dbt", "--quiet", "build"]
        exit_code = subprocess.run(command, cwd=project, env=environment(project), check=False).returncode
    if exit_code != 1:
        sys.exit(f"the build was meant to fail, and ended with {exit_code}")
    shutil.rmtree(project / "logs")
    project.rename(saved)


def one_process(project: Path, saved: Path, case: Case, name: str, command: Sequence[str]) -> Sample:
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(saved, project, symlinks=True)
    (project / "state").mkdir()
    for artifact in ("manifest.json", "run_results.json"):
        shutil.copy2(project / "target" / artifact, project / "state" / artifact)
    if name not in FAILING:
        put_right(project, case.missing)
    variables = environment(project)
    if command[0] != "retry-plus":
        variables.update(DISABLED)
    os.sync()  # what the copy left to be written is none of the command's
    began, of_day = time.perf_counter(), time.time() % _DAY
    with (project / "output.txt").open("wb") as output:
        process = subprocess.Popen([BIN / "dbt", *command], cwd=project, env=variables, stdout=output, stderr=output)
        _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != (1 if name in FAILING else 0):
        sys.exit(f"{name} ended with {process.returncode}: {(project / 'output.txt').read_text()[-2000:]}")
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    before, after = moments(project / "logs" / "dbt.log", of_day, wall)
    return Sample(case.name, name, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / unit, before, after)


def moments(log: Path, began: float, wall: float) -> tuple[float | None, float | None]:
    """The seconds until the first node began and since the last one ended, by the times in dbt's log (UTC).

    Args:
        log: The log of this process alone.
        began: When it began, in seconds of the day.
        wall: The seconds that it took.
    """
    found: dict[str, list[float]] = {"Began": [], "Finished": []}
    for line in log.read_text().splitlines():
        told = _OF_NODES.match(line)
        if told:
            hours, minutes, seconds, what = told.groups()
            found[what].append((int(hours) * 3600 + int(minutes) * 60 + float(seconds) - began) % _DAY)
    if not (found["Began"] and found["Finished"]):
        return None, None
    return min(found["Began"]), wall - max(found["Finished"])


def environment(project: Path) -> dict[str, str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**variables, "DBT_PROFILES_DIR": str(project)}


def machine() -> dict[str, object]:
    """Where and when this is measured."""
    return {"cores": os.cpu_count(), "python": sys.version.split()[0], "dbt": minor(), "load": os.getloadavg()}


def minor() -> str:
    return ".".join(version("dbt-core").split(".")[:2])


if __name__ == "__main__":
    main()
