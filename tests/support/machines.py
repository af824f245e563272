"""Machines that share nothing but a warehouse and a store: each has a project's folder, a home, a user and processes of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.crash.campaign import PLUGIN
from tests.support.projects import DbtProject, copy_project, dbt_program


@dataclass(frozen=True)
class Machine:
    folder: Path
    project: DbtProject
    environment: Mapping[str, str]
    user: int

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start dbt, or another command when the first word is a path."""
        program = [] if arguments[0].startswith("/") else [str(dbt_program())]
        return subprocess.Popen(
            [*_isolated(self.user), *program, *arguments],
            cwd=self.project.folder,
            env={**self.environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, exit_code: int | None = 0, **variables: str) -> str:
        """Run it to its end and return what it said."""
        with self.start(*arguments, **variables) as process:
            said, _ = process.communicate(timeout=300)
        assert exit_code is None or process.returncode == exit_code, f"{arguments}: {process.returncode}\n{said}"
        return said

    def killed(self, moment: str, *arguments: str, **variables: str) -> None:
        """Run it until it is killed with SIGKILL; what is killed never ends well."""
        crash = {"CRASH_AT": f"{moment}:SIGKILL", "PYTHONPATH": str(PLUGIN)}
        said = self.run(*arguments, exit_code=None, **crash, **variables)
        assert "Done." not in said, said

    def started(self) -> set[str]:
        """The nodes that dbt began to work on, hooks left out, from its log of the newest command."""
        begun = self.project.folder / "logs" / "dbt.log"
        lines = begun.read_text().split("Running with dbt")[-1].splitlines()
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        nodes = (e["data"]["node_info"]["unique_id"] for e in entries if e["info"]["name"] == "NodeStart")
        return {node for node in nodes if not node.startswith("operation.")}

    def lose(self) -> None:
        """Let it vanish, with all that it had."""
        shutil.rmtree(self.folder)


def new_machine(root: Path, name: str, ledger: str, environment: Mapping[str, str], *, user: int = 4242) -> Machine:
    """Set up a machine with a fresh clone of the project; the warehouse is that of all machines in `root`.

    Args:
        root: A folder for all machines.
        name: The machine's own folder in it.
        ledger: The URL of the ledger.
        environment: What it takes to reach the store.
        user: The user that it works as, where the system lets us have one.
    """
    folder = root / name
    folder.mkdir()
    warehouse = root / "warehouse"
    warehouse.mkdir(exist_ok=True)
    project = copy_project("jaffle_shop", folder / f"clone-of-{name}")
    (project.folder / "dbt_retry_plus.yml").write_text(f"ledger: {ledger}\nledger_interval: 0.3s\n")
    variables = {
        **project.environment,
        **environment,
        "HOME": str(folder),
        "WAREHOUSE_DUCKDB_PATH": str(warehouse / "warehouse.duckdb"),
        "DBT_LOG_FORMAT_FILE": "json",
        "DBT_LOG_LEVEL_FILE": "debug",
    }
    return Machine(folder, project, variables, user)


def _isolated(user: int) -> list[str]:
    """What starts a process as another user, in a namespace of processes of its own; nothing where that is impossible.

    The shell stays, as the first process of the namespace: that one could not be killed by itself.
    """
    if not _can_isolate():
        return []
    unshare = ["unshare", "--user", f"--map-user={user}", f"--map-group={user}", "--pid", "--fork"]
    return [*unshare, "sh", "-c", '"$@"; exit $?', "sh"]


@cache
def _can_isolate() -> bool:
    if os.name != "posix" or shutil.which("unshare") is None:
        return False
    tried = ["unshare", "--user", "--map-user=4242", "--map-group=4242", "--pid", "--fork", "true"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0
