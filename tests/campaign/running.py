"""Runs one case in a folder of its own, and once more from the same state as the truth and as `dbt retry` would."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.campaign.case import Case, Round
from tests.campaign.commands import EVENT_TIME
from tests.campaign.project import MICROBATCH, PACKAGE, Project, files_of
from tests.campaign.raw import first_raw, second_raw
from tests.campaign.relations import Relations, missing, relations_in
from tests.support.invocations import Dbt, Invocation, Starter, tool_environment

PROVEN = frozenset({"success", "pass", "warn", "no-op"})
MOST_RETRIES = 3
_WRITTEN = ("models", "seeds", "snapshots", "tests", "macros")
_UNRECORDED = {"DBT_RETRY_PLUS_RECORD": "0"}

Statuses = Mapping[str, tuple[str, "int | None"]]


@dataclass(frozen=True)
class Ended:
    """What one invocation came to, from its own results; from the journal's raw lines if it died."""

    invocation: Invocation
    statuses: Statuses
    started: frozenset[str]
    selection: frozenset[str] | None

    @property
    def green(self) -> bool:
        return self.invocation.exit_code == 0

    @property
    def executed(self) -> frozenset[str]:
        """What dbt has worked on; what it skipped it has not."""
        return self.started | {node for node, (status, _) in self.statuses.items() if status != "skipped"}

    @property
    def unproven(self) -> frozenset[str]:
        return frozenset(node for node, (status, _) in self.statuses.items() if status not in PROVEN)


@dataclass(frozen=True)
class State:
    """What stands in the artifacts and in the warehouse."""

    rows: Statuses
    relations: Relations
    compiled: Mapping[str, str]


@dataclass(frozen=True)
class Ran:
    """All that was seen of a case."""

    case: Case
    first: Ended
    retries: tuple[tuple[Round, Ended], ...]
    ours: State
    truth_run: Ended
    truth: State
    parents: Mapping[str, Sequence[str]]
    built_before: frozenset[str]
    unbuilt_at_first: frozenset[str]
    upstream: Ended | None

    @property
    def last(self) -> Ended:
        return self.retries[-1][1]

    @property
    def rounds(self) -> tuple[Round, ...]:
        """Those that came to pass: nothing follows a green retry."""
        return self.case.rounds[: max(self.case.rounds.index(step) for step, _ in self.retries) + 1]

    @cached_property
    def children(self) -> Mapping[str, list[str]]:
        children: dict[str, list[str]] = {}
        for node, parents in self.parents.items():
            for parent in parents:
                children.setdefault(parent, []).append(node)
        return children


class Stage:
    """The folder in which every case of a test process is set up, so that paths never change."""

    def __init__(self, root: Path, start: Starter) -> None:
        self._root = root
        self._stage = root / "stage"
        self.project = self._stage / "project"
        self._start = start
        self._parsed: Path | None = None

    def run(self, case: Case) -> Ran:
        """Run all of a case."""
        self._set_up(case)
        first = self.dbt(*case.command.line, kill=case.kill)
        retries: list[tuple[Round, Ended]] = []
        upstream = None
        vars_now: dict[str, int] = {}
        relations_at_first: Relations = {}
        for number, step in enumerate(case.rounds):
            vars_now.update(step.vars)
            self.write(step.project)
            self.execute(step.sql)
            self.save("before")
            if number == 0:
                relations_at_first = self._relations_in("before")
            if number == 0 and case.untouched and not first.green:
                upstream = self.dbt("retry")
                self.restore("before")
            retries.append((step, self.dbt("retry-plus", *step.arguments, kill=step.kill)))
            if retries[-1][1].green:
                break
        last = retries[-1][0]
        fail_fast = case.command.fail_fast and "--no-fail-fast" not in last.arguments
        while fail_fast and not retries[-1][1].green and len(retries) < MOST_RETRIES:
            retries.append((last, self.dbt("retry-plus", *last.arguments)))
        ours = self.state()
        relations_before = self._relations_in("before")
        self.restore("before")
        brought = {node for _, ended in retries for node in ended.executed if _outside(node, first, case)}
        unbuilt = missing(brought, relations_before)
        truth_run = self._truth(case, retries, vars_now, unbuilt)
        parents = json.loads((self.project / "target/manifest.json").read_text())["parent_map"]
        return Ran(
            case,
            first,
            tuple(retries),
            ours,
            truth_run,
            self.state(),
            parents,
            unbuilt,
            missing(brought, relations_at_first),
            upstream,
        )

    def _truth(
        self, case: Case, retries: list[tuple[Round, Ended]], vars_now: Mapping[str, int], unbuilt: frozenset[str]
    ) -> Ended:
        """Run the original command once more, with what the retries were given and with the parents that they brought."""
        given = {argument for step, _ in retries for argument in step.arguments}
        line = list(case.command.line)
        if "--no-fail-fast" in given and "--fail-fast" in line:
            line.remove("--fail-fast")
        if vars_now:
            recorded = json.loads(line.pop(line.index("--vars") + 1)) if "--vars" in line else {}
            line = [word for word in line if word != "--vars"] + ["--vars", json.dumps({**recorded, **vars_now})]
        if unbuilt:
            names = [node.split(".")[2] for node in sorted(unbuilt) if not node.startswith(("test.", "unit_test."))]
            if names:
                self.dbt("build", "--select", *names, "--exclude", "test_type:data", environment=_UNRECORDED)
        (self.project / "target/run_results.json").unlink(missing_ok=True)
        return self.dbt(*line, environment=_UNRECORDED)

    def _set_up(self, case: Case) -> None:
        self._prepare()
        self.write(case.sound)
        self.execute(list(first_raw(case.sound)) + list(first_raw(case.broken)))
        if case.earlier:
            times = EVENT_TIME if any(node.kind == MICROBATCH for node in case.sound.nodes) else ()
            built = self.dbt("build", *times, "--threads", case.command.arguments[-1])
            assert built.green, f"a sound project did not build:\n{case.described()}\n{built.invocation.output}"
            self.execute(list(second_raw(case.sound)))
        self.execute([statement for flaw in case.flaws for statement in flaw.cause])
        self.write(case.broken)

    def _prepare(self) -> None:
        """An empty folder in which dbt has parsed its own macros, which takes longer than all that a case adds."""
        if self._parsed is None:
            shutil.rmtree(self._root, ignore_errors=True)
            self.project.mkdir(parents=True)
            (self._stage / "home").mkdir()
            output = {"type": "duckdb", "path": str(self._stage / "warehouse.duckdb"), "threads": 1}
            profile = {PACKAGE: {"target": "dev", "outputs": {"dev": output}}}
            (self.project / "profiles.yml").write_text(json.dumps(profile))
            self.write(Project(()))
            parsed = self.dbt("parse", environment=_UNRECORDED)
            assert parsed.green, parsed.invocation.output
            self.save("empty")
            self._parsed = self._root / "empty"
        self.restore("empty")

    def write(self, project: Project) -> None:
        """Make the project's files those of a project, and touch none that stay as they are."""
        wanted = files_of(project)
        for folder in _WRITTEN:
            for path in [path for path in (self.project / folder).rglob("*") if path.is_file()]:
                if path.relative_to(self.project).as_posix() not in wanted:
                    path.unlink()
        for name, text in wanted.items():
            path = self.project / name
            if not path.exists() or path.read_text() != text:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)

    def save(self, name: str) -> None:
        shutil.rmtree(self._root / name, ignore_errors=True)
        shutil.copytree(self._stage, self._root / name, symlinks=True)

    def restore(self, name: str) -> None:
        shutil.rmtree(self._stage)
        shutil.copytree(self._root / name, self._stage, symlinks=True)

    def execute(self, statements: Sequence[str]) -> None:
        import duckdb

        with closing(duckdb.connect(str(self._stage / "warehouse.duckdb"))) as connection:
            for statement in statements:
                connection.execute(statement)

    def dbt(self, *arguments: str, kill: str | None = None, environment: Mapping[str, str] | None = None) -> Ended:
        """Run dbt, and read what it left."""
        before = set(self._records())
        quick = {"DBT_LOG_LEVEL_FILE": "none", **({"CRASH_AT": kill} if kill else {}), **(environment or {})}
        dbt = Dbt(
            self._start, self.project, tool_environment(self._stage / "home", quick), self.project / "logs/dbt.log"
        )
        invocation = dbt(*arguments)
        new = [record for record in self._records() if record not in before]
        if new:
            return _recorded(invocation, new[-1])
        rows = self._rows() if environment == _UNRECORDED else {}
        return Ended(invocation, rows, frozenset(), None)

    def state(self) -> State:
        """What stands there now."""
        compiled = self.project / "target/compiled"
        files = {path.stem: path.read_text() for path in sorted(compiled.rglob("*.sql")) if path.is_file()}
        return State(self._rows(), self._relations_in("stage"), files)

    def _rows(self) -> Statuses:
        path = self.project / "target/run_results.json"
        return _statuses(json.loads(path.read_text())["results"]) if path.is_file() else {}

    def _records(self) -> list[Path]:
        found = (self.project / "target/retry_plus/invocations").glob("*/journal.jsonl")
        return sorted((path.parent for path in found), key=lambda folder: next(_lines(folder))["started_at"])

    def _relations_in(self, name: str) -> Relations:
        return relations_in(self._root / name / "warehouse.duckdb")


def _outside(node: str, first: Ended, case: Case) -> bool:
    """Whether the first command is known not to have selected it."""
    return (
        first.selection is not None
        and node not in first.selection
        and not node.startswith(("unit_test.", "operation."))
    )


def _recorded(invocation: Invocation, record: Path) -> Ended:
    lines = list(_lines(record))
    selection = next((line["nodes"] for line in lines if line["event"] == "selection"), None)
    chosen = None if selection is None else frozenset(selection)
    results = record / "run_results.json"
    if results.is_file():
        return Ended(invocation, _statuses(json.loads(results.read_text())["results"]), frozenset(), chosen)
    finished = [{"unique_id": line["node"], **line["row"]} for line in lines if line["event"] == "finish"]
    started = frozenset(line["node"] for line in lines if line["event"] == "start")
    return Ended(invocation, _statuses(finished), started, chosen)


def _lines(record: Path) -> Iterator[Any]:
    for line in (record / "journal.jsonl").read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            yield json.loads(line)


def _statuses(rows: Sequence[Mapping[str, Any]]) -> Statuses:
    return {row["unique_id"]: (row["status"], row.get("failures")) for row in rows}
