"""A real Airflow with a scheduler of its own, in a virtual environment without dbt; its metadata is in SQLite."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.stores import free_port

PATIENCE = 150.0
_DONE = frozenset({"success", "failed", "upstream_failed", "skipped"})


@dataclass(frozen=True)
class TaskState:
    state: str | None
    try_number: int


@dataclass(frozen=True)
class Airflow:
    """One Airflow: its script, its folder, the variables that it runs with, and the port of its API in 3.x."""

    script: str
    home: Path
    environment: Mapping[str, str]
    port: int | None
    services: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def call(self, *words: str) -> str:
        """Run a command of Airflow's to its end."""
        done = subprocess.run(
            [self.script, *words], env=self.environment, cwd=self.home, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"airflow {' '.join(words)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def trigger(self, dag_id: str, run_id: str) -> None:
        self.call("dags", "trigger", dag_id, "--run-id", run_id)

    def clear(self, dag_id: str, task_id: str, *run_ids: str) -> None:
        """Clear a task in some DAG runs, as the button in Airflow's pages does."""
        if self.port is None:  # Airflow 2 clears it in all of them
            self.call("tasks", "clear", dag_id, "--task-regex", f"^{task_id}$", "--yes")
            return
        token = self._ask("GET", "/auth/token", {})["access_token"]
        for run_id in run_ids:
            wish = {"dry_run": False, "only_failed": False, "task_ids": [task_id], "dag_run_id": run_id}
            self._ask("POST", f"/api/v2/dags/{dag_id}/clearTaskInstances", wish, token)

    def task(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> TaskState:
        rows = self._rows(
            "select state, try_number from task_instance "
            "where dag_id = ? and run_id = ? and task_id = ? and map_index = ?",
            *(dag_id, run_id, task_id, map_index),
        )
        return TaskState(*rows[0]) if rows else TaskState(None, 0)

    def wait_for(
        self, dag_id: str, run_id: str, task_id: str, *states: str, tried: int = 1, map_index: int = -1
    ) -> TaskState:
        """Wait until a task has one of some states, its try being at least the one that is named."""
        deadline = time.monotonic() + PATIENCE
        found = TaskState(None, 0)
        while time.monotonic() < deadline:
            found = self.task(dag_id, run_id, task_id, map_index)
            if found.try_number >= tried and found.state in states:
                return found
            assert not (found.try_number >= tried and found.state in _DONE), (found, self.log(dag_id, run_id, task_id))
            ended = [service.args for service in self.services if service.poll() is not None]
            assert not ended, f"{ended}: see {self.home}"
            time.sleep(0.1)
        raise AssertionError(f"{task_id} of {run_id} is {found}\n{self.log(dag_id, run_id, task_id)}")

    def xcom(self, run_id: str, task_id: str, key: str) -> Any:
        rows = self._rows(
            "select value from xcom where run_id = ? and task_id = ? and key = ?", *(run_id, task_id, key)
        )
        value = json.loads(rows[0][0]) if rows else None
        return json.loads(value) if isinstance(value, str) and value[:1] in '{["' else value

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int | None = None) -> str:
        """What the tries of a task have logged, or one of them."""
        files = sorted((self.home / "logs").glob(f"dag_id={dag_id}/run_id={run_id}/task_id={task_id}/**/*.log"))
        wanted = [file for file in files if attempt is None or file.name == f"attempt={attempt}.log"]
        return "\n".join(f"--- {file.name}\n{file.read_text()}" for file in wanted)

    def _ask(self, method: str, path: str, body: Mapping[str, Any], token: str = "") -> Any:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            data = answer.read()
        assert answer.status < 300, (path, answer.status, data)
        return json.loads(data)

    def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.home / 'airflow.db'}?mode=ro", uri=True, timeout=60)) as metadata:
            return metadata.execute(statement, values).fetchall()


@contextmanager
def running_airflow(script: str, home: Path, dags: Path, variables: Mapping[str, str]) -> Iterator[Airflow]:
    """Run the services that it takes for tasks to be executed and tried again."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL", "TMPDIR")}
    environment = {
        **kept,
        "PATH": f"{Path(script).parent}{os.pathsep}{kept['PATH']}",  # its executors call it by its name
        "HOME": str(home),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__FERNET_KEY": "",
        "AIRFLOW__CORE__PARALLELISM": "1",  # DuckDB lets one process write at a time
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        **_soon_missed(30),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        **variables,
    }
    version = Airflow(script, home, environment, None).call("version").strip().splitlines()[-1]
    newer = not version.startswith("2.")
    airflow = Airflow(script, home, environment, port if newer else None)
    airflow.call("db", "migrate")
    airflow.call("dags", "reserialize")
    services = ["api-server", "scheduler", "dag-processor"] if newer else ["scheduler"]
    with ExitStack() as stack:
        for service in services:
            stack.enter_context(_running(airflow, service))
        if newer:  # a task that cannot reach it is not run
            eventually(lambda: _answers(port), f"the API does not answer: see {home}")
        yield airflow


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
    except OSError:
        return False


def _soon_missed(seconds: int) -> dict[str, str]:
    """How long a task may give no sign of life, as 2.x and 3.x call it, and how often they look."""
    silence = ("SCHEDULER_ZOMBIE_TASK_THRESHOLD", "TASK_INSTANCE_HEARTBEAT_TIMEOUT")
    looks = ("ZOMBIE_DETECTION_INTERVAL", "TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL")
    values = {**dict.fromkeys(silence, str(seconds)), **dict.fromkeys(looks, "2")}
    return {f"AIRFLOW__SCHEDULER__{name}": value for name, value in values.items()}


@contextmanager
def _running(airflow: Airflow, service: str) -> Iterator[None]:
    with (airflow.home / f"{service}.txt").open("wb") as output:
        process = subprocess.Popen(
            [airflow.script, service],
            env=airflow.environment,
            cwd=airflow.home,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    airflow.services.append(process)
    try:
        yield
    finally:
        airflow.services.remove(process)
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(15)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
