"""Tiny dbt projects that a test writes in place, brought to a failed state once and put back for every case."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.support.differential import Comparison, Retry
from tests.support.invocations import ColdDbt, Dbt, Invocation, RunnerCall, Starter, tool_environment
from tests.support.observations import Observation, observe
from tests.support.warehouses import Warehouse

PROJECT_NAME = "shop"

BASE_SETTINGS: Mapping[str, Any] = {
    "name": PROJECT_NAME,
    "version": "1.0",
    "profile": PROJECT_NAME,
    "config-version": 2,
}


@dataclass(frozen=True)
class InlineProject:
    """The files of a project (paths from the project folder), the raw data, and the commands that ran before the retry."""

    files: Mapping[str, str]
    raw: Sequence[str] = ()
    first: Sequence[str] = ("build",)
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: str = "project"
    profiles_folder: str = "project"
    extra_targets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    parsed_once: bool = False
    """Several cases differ in `first` only: parse the files once for all of them."""

    def after(self, *first: str, **changes: Any) -> InlineProject:
        """The same project after other commands."""
        return replace(self, first=first, **changes)

    @property
    def key(self) -> str:
        """Projects that are equal share one prepared state."""
        return hashlib.sha256(json.dumps(self.__dict__, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Prepared:
    project: InlineProject
    saved: Path
    first: tuple[Invocation, ...]


class Workshop:
    """One folder in which every case of a test process is set up and run, so that paths are always the same."""

    def __init__(self, root: Path, warehouse: Warehouse, warm: Starter, ours: str = "retry-plus") -> None:
        self.ours = ours
        self.stage = root / "stage"
        self._store = root / "prepared"
        self._warehouse = warehouse
        self._warm = warm
        self._prepared: dict[str, Prepared] = {}

    def dbt(self, project: InlineProject, retry: Retry | None = None) -> Dbt:
        cold = retry is not None and retry.cold
        environment = {**project.environment, **(retry.environment if retry else {})}
        return Dbt(
            start=ColdDbt() if cold else self._warm,
            folder=self.stage / (retry.folder if retry else project.folder),
            environment=tool_environment(self.stage / "home", environment),
            log=self.stage / (retry.log if retry else Retry().log),
        )

    def prepare(self, project: InlineProject) -> Prepared:
        if project.key not in self._prepared:
            if project.parsed_once and project.first != ("parse",):
                self.restore(self.prepare(project.after("parse")))
            else:
                self._write(project)
                self._warehouse.execute(project.raw)
            dbt = self.dbt(project)
            first = tuple(dbt(*shlex.split(command)) for command in project.first)
            for invocation in first:
                assert invocation.arguments != ("parse",) or invocation.exit_code == 0, invocation.output
            saved = self._store / project.key
            shutil.copytree(self.stage, saved / "stage", symlinks=True)
            self._warehouse.save(saved)
            self._prepared[project.key] = Prepared(project, saved, first)
        return self._prepared[project.key]

    def restore(self, prepared: Prepared) -> None:
        shutil.rmtree(self.stage)
        shutil.copytree(prepared.saved / "stage", self.stage, symlinks=True)
        self._warehouse.restore(prepared.saved)

    def _write(self, project: InlineProject) -> None:
        shutil.rmtree(self.stage, ignore_errors=True)
        self._warehouse.reset()
        (self.stage / "home").mkdir(parents=True)
        outputs = {"dev": self._warehouse.profile_output(), **project.extra_targets}
        self.write_files(
            {
                "project/dbt_project.yml": json.dumps({**BASE_SETTINGS, **project.settings}),
                f"{project.profiles_folder}/profiles.yml": json.dumps(
                    {PROJECT_NAME: {"target": "dev", "outputs": outputs}}
                ),
                **{f"project/{path}": text for path, text in project.files.items()},
            }
        )

    def write_files(self, files: Mapping[str, str]) -> None:
        for path, text in files.items():
            file = self.stage / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text).strip() + "\n")

    def put_right(self, retry: Retry) -> None:
        self._warehouse.execute(retry.sql)
        self.write_files({f"project/{path}": text for path, text in retry.files.items()})

    def run(self, project: InlineProject, retry: Retry, command: str) -> Observation:
        """Apply the repair of `retry` to what is in the stage now, run the command, look at what it left."""
        self.put_right(retry)
        invocation = self.dbt(project, retry)(*retry.command_line(command))
        return observe(invocation, self.stage / retry.target, self._warehouse)

    def compare(self, project: InlineProject, retry: Retry, *, our_retry: Retry | None = None) -> Comparison:
        """`our_retry` replaces the retry on our side, for what only one of the two commands understands."""
        return self.compare_chain(project, retry, our_retries=[our_retry] if our_retry else None)[0]

    def compare_chain(
        self, project: InlineProject, *retries: Retry, our_retries: Sequence[Retry] | None = None
    ) -> tuple[Comparison, ...]:
        """Several retries, one after the other, on each side."""
        prepared = self.prepare(project)
        self.restore(prepared)
        upstream = [self.run(project, retry, "retry") for retry in retries]
        self.restore(prepared)
        plus = [self.run(project, retry, self.ours) for retry in our_retries or retries]
        return tuple(Comparison(*pair) for pair in zip(upstream, plus, strict=True))

    def compare_calls(self, project: InlineProject, retry: Retry, *calls: RunnerCall) -> Comparison:
        """The programmatic API: `retry` as the first argument of a call stands for the command of each side."""
        prepared = self.prepare(project)
        observations = []
        for command in ("retry", self.ours):
            self.restore(prepared)
            self.put_right(retry)
            own_calls = [
                replace(call, arguments=[command if word == "retry" else word for word in call.arguments])
                for call in calls
            ]
            invocation = self.dbt(project, retry).call(*own_calls)
            observations.append(observe(invocation, self.stage / retry.target, self._warehouse))
        return Comparison(*observations)
