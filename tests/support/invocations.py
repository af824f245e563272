"""Runs dbt as its users do and tells what happened, as data.

`WarmDbt` keeps one process with dbt imported and forks it (cheap, the default of the tests); `ColdDbt` starts the
console script `dbt` of the running interpreter (the real thing, a few seconds each). Both know the command line and the
programmatic API, and no state can leak from one invocation to the next.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

PROCESS_SCRIPT = Path(__file__).with_name("dbt_process.py")
DBT_SCRIPT = Path(sys.executable).with_name("dbt")


def dbt_version() -> tuple[int, int]:
    major, minor = version("dbt-core").split(".")[:2]
    return int(major), int(minor)


@dataclass(frozen=True)
class LogEvent:
    name: str
    level: str
    message: str
    data: Mapping[str, Any] = field(hash=False)

    @property
    def unique_id(self) -> str | None:
        node = self.data.get("node_info")
        return node.get("unique_id") if isinstance(node, Mapping) else None


@dataclass(frozen=True)
class RunnerOutcome:
    """What `dbtRunner().invoke(...)` returned, and what its callbacks saw."""

    success: bool
    exception_type: str | None
    exception_text: str | None
    result_type: str
    results: tuple[Mapping[str, Any], ...] | None
    callback_events: Mapping[str, int]


@dataclass(frozen=True)
class RunnerCall:
    arguments: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict)
    callbacks: bool = False
    reuse_manifest: bool = False


@dataclass(frozen=True)
class Invocation:
    arguments: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str
    events: tuple[LogEvent, ...]
    outcomes: tuple[RunnerOutcome, ...] = ()

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    @cached_property
    def started(self) -> frozenset[str]:
        """The ids of the nodes that dbt began to work on, which includes those that it then skipped."""
        return frozenset(e.unique_id for e in self.events if e.name == "NodeStart" and e.unique_id)

    @cached_property
    def outcomes_by_node(self) -> Mapping[str, tuple[str, str]]:
        """Status and message of each node that dbt finished or skipped, the last one if it worked in batches."""
        return {
            event.unique_id: (event.data["run_result"]["status"], event.data["run_result"].get("message", ""))
            for event in self.events
            if event.name == "NodeFinished" and event.unique_id
        }

    def count(self, event_name: str) -> int:
        return sum(event.name == event_name for event in self.events)


def tool_environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment in which nothing of the developer's own dbt settings can change a result."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "TMPDIR", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV") or name.startswith("COV")
    }
    return {
        **kept,
        "HOME": str(home),
        "PYTHONWARNINGS": os.environ.get("PYTHONWARNINGS", ""),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_USE_COLORS": "false",
        "DBT_LOG_FORMAT_FILE": "json",
        "DBT_LOG_LEVEL_FILE": "debug",
        **(extra or {}),
    }


class Starter(Protocol):
    """Starts a process for a request and gives its exit code."""

    def __call__(self, request: Mapping[str, Any]) -> int: ...


class ColdDbt:
    def __call__(self, request: Mapping[str, Any]) -> int:
        if "calls" in request:
            command = [sys.executable, str(PROCESS_SCRIPT)]
            return subprocess.run(command, input=json.dumps(request), text=True, check=False).returncode
        with open(request["stdout"], "wb") as stdout, open(request["stderr"], "wb") as stderr:
            return subprocess.run(
                [str(DBT_SCRIPT), *request["arguments"]],
                cwd=request["folder"],
                env=request["environment"],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                check=False,
            ).returncode


class WarmDbt:
    def __init__(self, *plugins: Path) -> None:
        """`plugins` are folders with further plugins of dbt's, for all that is run."""
        environment = tool_environment(Path(tempfile.gettempdir()))
        if plugins:
            path = [*map(str, plugins), environment.get("PYTHONPATH", "")]
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
        self._server = subprocess.Popen(
            [sys.executable, str(PROCESS_SCRIPT), "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def __call__(self, request: Mapping[str, Any]) -> int:
        assert self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        answer = self._server.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process that keeps dbt imported died: {self._server.wait()}")
        return int(answer)

    def close(self) -> None:
        assert self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()


@dataclass(frozen=True)
class Dbt:
    """Runs dbt in `folder` with `environment`; `log` is the JSON log that it writes."""

    start: Starter
    folder: Path
    environment: Mapping[str, str]
    log: Path

    def __call__(self, *arguments: str) -> Invocation:
        return self._observe({"arguments": list(arguments)}, arguments)

    def call(self, *calls: RunnerCall) -> Invocation:
        """The programmatic API: several calls run one after the other in one process."""
        described = [
            {
                "arguments": list(call.arguments),
                "options": dict(call.options),
                "callbacks": call.callbacks,
                "reuse_manifest": call.reuse_manifest,
            }
            for call in calls
        ]
        return self._observe({"calls": described}, calls[-1].arguments)

    def _observe(self, request: Mapping[str, Any], arguments: Iterable[str]) -> Invocation:
        logged_before = self.log.stat().st_size if self.log.is_file() else 0
        with tempfile.TemporaryDirectory() as scratch:
            stdout, stderr, outcomes = (Path(scratch) / name for name in ("stdout", "stderr", "outcomes"))
            exit_code = self.start(
                {
                    "program": str(DBT_SCRIPT),
                    "folder": str(self.folder),
                    "environment": dict(self.environment),
                    "stdout": str(stdout),
                    "stderr": str(stderr),
                    "outcomes": str(outcomes),
                    **request,
                }
            )
            return Invocation(
                arguments=tuple(arguments),
                exit_code=exit_code,
                stdout=stdout.read_text() if stdout.exists() else "",
                stderr=stderr.read_text() if stderr.exists() else "",
                events=tuple(read_events(self.log, logged_before)),
                outcomes=tuple(read_outcomes(outcomes)),
            )


def read_events(log: Path, start: int) -> Iterable[LogEvent]:
    if not log.is_file():
        return
    with log.open("rb") as file:
        file.seek(start)
        for line in file.read().decode().splitlines():
            if not line.startswith("{"):
                continue  # dbt writes a plain header line between invocations when the format is text
            entry = json.loads(line)
            info = entry["info"]
            yield LogEvent(info["name"], info["level"], info["msg"], entry.get("data", {}))


def read_outcomes(file: Path) -> Iterable[RunnerOutcome]:
    if not file.exists():
        return
    for entry in json.loads(file.read_text()):
        results = entry.pop("results")
        yield RunnerOutcome(results=None if results is None else tuple(results), **entry)
