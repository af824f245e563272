"""Measure `dbt retry-plus` beside `dbt retry` and `dbt build --select result:error+`, and write docs/performance.md.

    python tests/benchmarks/retry_cost.py --keep FOLDER [--models 10 100 1000 5000] [--repeat 3] [--write]

Run it with an interpreter that has dbt-retry-plus, dbt-core and dbt-duckdb installed. A generated project is built once
for each size, fails, and is kept in FOLDER for the next time. Each command starts from a copy of that state in the same
place, with what the nodes lacked put right in the warehouse and no file of the project touched, so that partial parsing
finds nothing to do. With --made, which is for one leaf, the state is made and not built (`made_state.py`): that of 10,000
models, or of a dense project, in minutes. The commands take turns, so that a busy minute of the machine falls on all of them.

Wall time includes the interpreter's start and end. CPU time is that of the process and its children; on a machine that
others use too it is the steadier of the two. It measures and asserts nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from layered_project import SWITCHES, Shape, prepare_warehouse, put_right, write_project
from made_state import build_one_of
from performance_page import write_page

BIN = Path(sys.executable).parent
PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
UPSTREAM = "dbt retry"
COMMANDS: Mapping[str, tuple[str, ...]] = {
    UPSTREAM: ("retry",),
    "dbt build -s result:error+": ("build", "--select", "result:error+", "result:skipped", "--state", "state"),
    "dbt retry-plus": ("retry-plus",),
    "dbt retry-plus --dry-run": ("retry-plus", "--dry-run"),
}


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
    """One process: seconds and MB."""

    case: str
    command: str
    wall: float
    cpu: float
    memory: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure retries.")
    parser.add_argument("--keep", type=Path, required=True, help="where built projects are, and are kept")
    parser.add_argument("--models", type=int, nargs="+", default=[10, 100, 1000, 5000])
    parser.add_argument("--missing", choices=SWITCHES, nargs="+", default=["one"])
    parser.add_argument("--dense", action="store_true")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--made", action="store_true", help="do not build the project: make what that leaves")
    parser.add_argument("--no-build", action="store_true", help="leave `dbt build` out, which takes longest")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md from all that FOLDER holds")
    arguments = parser.parse_args()
    for models in arguments.models:
        for missing in arguments.missing:
            case = Case(models, missing, arguments.dense, arguments.made)
            measure(arguments.keep.resolve(), case, arguments.repeat, build_too=not arguments.no_build)
    if arguments.write:
        write_page(PAGE, arguments.keep)


def measure(keep: Path, case: Case, repeat: int, *, build_too: bool) -> None:
    """Measure the commands in turns, and put the samples beside the project."""
    project = keep / f"v{minor().replace('.', '')}-{case.name}"
    saved = keep / f"{project.name}.saved"
    if not saved.exists():
        build(project, saved, case)
    described = {"cores": os.cpu_count(), "python": sys.version.split()[0], "dbt": minor()}
    samples: list[Sample] = []
    for number in range(repeat):
        commands = [(name, command) for name, command in COMMANDS.items() if build_too or command[0] != "build"]
        for name, command in commands if number % 2 else reversed(commands):
            sample = one_process(project, saved, case, name, command)
            samples.append(sample)
            figures = f"{sample.wall:7.2f} s {sample.cpu:7.2f} s CPU {sample.memory:5.0f} MB"
            print(f"{minor()} {case.name:12} {name:28} {figures}", flush=True)
        machine = {**described, "load": os.getloadavg()}
        document = {"case": asdict(case), "machine": machine, "samples": [asdict(sample) for sample in samples]}
        (keep / f"{project.name}.json").write_text(json.dumps(document, indent=1))


def build(project: Path, saved: Path, case: Case) -> None:
    shutil.rmtree(project, ignore_errors=True)
    shape = Shape(case.models, case.dense)
    write_project(project, shape)
    prepare_warehouse(project, shape, missing=case.missing)
    if case.made:
        exit_code = build_one_of(project, f"m{case.models - 1}", BIN / "dbt", environment(project))
    else:
        command = [BIN / "dbt", "--quiet", "build"]
        exit_code = subprocess.run(command, cwd=project, env=environment(project), check=False).returncode
    if exit_code != 1:
        sys.exit(f"the build was meant to fail, and ended with {exit_code}")
    project.rename(saved)


def one_process(project: Path, saved: Path, case: Case, name: str, command: Sequence[str]) -> Sample:
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(saved, project, symlinks=True)
    (project / "state").mkdir()
    for artifact in ("manifest.json", "run_results.json"):
        shutil.copy2(project / "target" / artifact, project / "state" / artifact)
    put_right(project, case.missing)
    variables = environment(project)
    if not name.startswith("dbt retry-plus"):
        variables["DBT_RETRY_PLUS_DISABLE"] = "1"
    began = time.perf_counter()
    with (project / "output.txt").open("wb") as output:
        process = subprocess.Popen([BIN / "dbt", *command], cwd=project, env=variables, stdout=output, stderr=output)
        _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{name} ended with {process.returncode}: {(project / 'output.txt').read_text()[-2000:]}")
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Sample(case.name, name, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / unit)


def environment(project: Path) -> dict[str, str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**variables, "DBT_PROFILES_DIR": str(project)}


def minor() -> str:
    from importlib.metadata import version

    return ".".join(version("dbt-core").split(".")[:2])


if __name__ == "__main__":
    main()
