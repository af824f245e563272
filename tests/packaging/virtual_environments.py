"""Real virtual environments, and the commands of a person who uses them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support import commands

CHECKOUT = Path(__file__).parents[2]
OVERRIDES = CHECKOUT / "tests" / "offline-overrides.txt"
FOREIGN_VARIABLES = ("COVERAGE_", "DBT_", "PYTEST_", "PYTHON", "TOX_", "VIRTUAL_ENV")


def clean_environment() -> dict[str, str]:
    """The environment of a person's shell: nothing of pytest, tox, coverage or an active environment in it."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_VARIABLES)}
    # The machines that we test on cannot all build what dbt-core 1.12 asks for; the file says why.
    return {**inherited, "UV_OVERRIDE": str(OVERRIDES), "DO_NOT_TRACK": "1"}


def run(
    *command: str | Path, folder: Path, environment: Mapping[str, str] | None = None, exit_code: int | None = 0
) -> subprocess.CompletedProcess[str]:
    """Run a command in the environment of a person's shell."""
    whole = {**clean_environment(), **(environment or {})}
    return commands.run(*command, environment=whole, folder=folder, exit_code=exit_code)


def uv(*arguments: str | Path, folder: Path, environment: Mapping[str, str] | None = None) -> str:
    program = shutil.which("uv")
    assert program is not None, "these tests need uv: pip install uv"
    return run(program, *arguments, folder=folder, environment=environment).stdout


@dataclass(frozen=True)
class Environment:
    """A virtual environment, or an interpreter that looks like the system's."""

    root: Path

    @classmethod
    def create(cls, root: Path, *options: str, python: Path | None = None) -> Environment:
        root.parent.mkdir(parents=True, exist_ok=True)
        uv("venv", "-q", "--python", python or sys.executable, *options, root, folder=root.parent)
        return cls(root)

    @property
    def python(self) -> Path:
        return self.program("python")

    @property
    def site_packages(self) -> Path:
        (folder,) = self.root.glob("lib/python3.*/site-packages")
        return folder

    def program(self, name: str) -> Path:
        return self.root / "bin" / name

    def install(self, *requirements: str | Path) -> None:
        uv("pip", "install", "-q", "--python", self.python, *requirements, folder=self.root)

    def install_frozen(self, frozen: Path, *requirements: str | Path) -> None:
        """Install exactly what was resolved before: no look at an index, and the files come from uv's cache."""
        uv("pip", "install", "-q", "--python", self.python, "--no-deps", "-r", frozen, *requirements, folder=self.root)

    def uninstall(self, *names: str) -> None:
        uv("pip", "uninstall", "-q", "--python", self.python, *names, folder=self.root)

    def run(
        self,
        program: str,
        *arguments: str | Path,
        environment: Mapping[str, str] | None = None,
        exit_code: int | None = 0,
    ) -> subprocess.CompletedProcess[str]:
        return run(self.program(program), *arguments, folder=self.root, environment=environment, exit_code=exit_code)

    def files(self) -> set[str]:
        """All files and links, but for the bytecode that an interpreter leaves."""
        return {
            str(path.relative_to(self.root))
            for path in self.root.rglob("*")
            if (path.is_symlink() or path.is_file()) and path.suffix != ".pyc"
        }
