"""Rows 1 to 5, 23, 24, 32 and 34 of the table: what `dbt retry` forgets, and `dbt retry-plus` finishes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import ProjectFactory
from tests.crash.campaign import PLUGIN
from tests.support.projects import DbtProject, copy_of

Killed = dict[str, DbtProject]

EARLIER, BUILD = "an earlier run", "the killed build"


def killed_build(new_project: ProjectFactory, signal: str, moment: str = "NodeFinished:12:0") -> DbtProject:
    """A green `dbt run --select staging`, and then a build that died of a signal."""
    project = new_project("jaffle_shop", "duckdb", folder="killed")
    project.dbt("seed", exit_code=0)
    project.dbt("run", "--select", "staging", exit_code=0)
    done = project.dbt("build", environment={"CRASH_AT": f"{moment}:{signal}", "PYTHONPATH": str(PLUGIN)})
    assert done.returncode != 0, done.stdout
    return project


def both(project: DbtProject, folder: Path) -> tuple[DbtProject, DbtProject]:
    """The project for upstream and for us."""
    return copy_of(project, folder / "upstream"), copy_of(project, folder / "ours")


def unbuilt(project: DbtProject) -> set[str]:
    """Relations of a whole build that are not there."""
    return {"main.orders", "main.customers", "main_reporting.customer_segments"} - project.relations().keys()


def finishes(project: DbtProject, folder: Path) -> None:
    upstream, ours = both(project, folder)

    assert "Nothing to do" in upstream.dbt("retry", exit_code=0).stdout
    assert unbuilt(upstream), "upstream has learned to resume: change the table"

    assert "Resumed from" in ours.dbt("retry-plus", exit_code=0).stdout
    assert not unbuilt(ours)
    assert len(ours.statuses()) >= 39  # 40 where exposures have results
    assert set(ours.statuses().values()) <= {"success", "pass", "no-op"}
    counts = {row["failures"] for row in ours.run_results()["results"] if row["unique_id"].startswith("model.")}
    assert counts == {None}, "only tests count failures"
    assert "Nothing to retry" in ours.dbt("retry-plus", exit_code=0).stdout


def test_row_1_a_build_that_was_interrupted(new_project: ProjectFactory, tmp_path: Path) -> None:
    finishes(killed_build(new_project, "SIGINT"), tmp_path)


@pytest.mark.parametrize("signal", ["SIGTERM", "SIGKILL"])
def test_row_2_a_build_that_was_killed(signal: str, new_project: ProjectFactory, tmp_path: Path) -> None:
    finishes(killed_build(new_project, signal), tmp_path)


def test_row_1_with_nothing_finished(new_project: ProjectFactory, tmp_path: Path) -> None:
    project = new_project("jaffle_shop", "duckdb", folder="killed")
    project.dbt("build", environment={"CRASH_AT": "ConcurrencyLine:1:0:SIGINT", "PYTHONPATH": str(PLUGIN)})
    upstream, ours = both(project, tmp_path)

    upstream.dbt("retry", exit_code=2)
    ours.dbt("retry-plus", exit_code=0)

    assert not unbuilt(ours)


def test_row_3_a_project_that_did_not_parse(new_project: ProjectFactory, tmp_path: Path) -> None:
    project = new_project("jaffle_shop", "duckdb", folder="broken")
    project.dbt("seed", exit_code=0)
    project.edit("models/marts/orders.sql", "select", "{{ nothing_of_that_name( }} select")
    project.dbt("build", "--exclude", "customer_segments", exit_code=2)
    project.edit("models/marts/orders.sql", "{{ nothing_of_that_name( }} select", "select")
    upstream, ours = both(project, tmp_path)

    assert "Nothing to do" in upstream.dbt("retry", exit_code=0).stdout
    assert "main.orders" in unbuilt(upstream)

    ours.dbt("retry-plus", exit_code=0)
    assert unbuilt(ours) == {"main_reporting.customer_segments"}, "the recorded --exclude counts"


def test_row_4_a_retry_with_nothing_to_do_touches_nothing(project_after: ProjectFactory) -> None:
    upstream = project_after("build", folder="upstream")
    ours = project_after("build", folder="ours")

    upstream.dbt("retry")
    assert upstream.run_results()["results"] == []

    before = {path: path.stat().st_mtime_ns for path in ours.target.rglob("*")}
    for _ in range(2):
        assert "Nothing to retry" in ours.dbt("retry-plus", exit_code=0).stdout
    assert {path: path.stat().st_mtime_ns for path in ours.target.rglob("*")} == before


def test_row_5_the_results_are_those_of_the_whole_command(project_after: ProjectFactory, tmp_path: Path) -> None:
    project = project_after("build", failing=("orders",))
    whole = frozenset(project.statuses())
    project.clear_switches()
    upstream, ours = both(project, tmp_path)
    unmerged = copy_of(project, tmp_path / "unmerged")

    upstream.dbt("retry", exit_code=0)
    ours.dbt("retry-plus", exit_code=0)
    unmerged.dbt("retry-plus", "--no-merge-results", exit_code=0)

    assert frozenset(upstream.statuses()) < whole
    assert frozenset(ours.statuses()) == whole
    assert upstream.statuses() == unmerged.statuses()
    assert ours.run_results()["args"]["which"] == "build"
    # dbt's own loaders and selectors take it for one of theirs.
    state = ours.folder / "state"
    shutil.copytree(ours.target, state)
    listed = ours.dbt("ls", "--quiet", "--select", "result:success", "--state", "state", exit_code=0)
    assert {"jaffle_shop.marts.orders", "jaffle_shop.staging.stg_orders"} <= set(listed.stdout.split())


def test_row_23_a_show_in_between(project_after: ProjectFactory, tmp_path: Path) -> None:
    project = project_after("build", failing=("orders",))
    project.clear_switches()
    project.dbt("show", "--inline", "select 1 as one", exit_code=0)
    upstream, ours = both(project, tmp_path)

    assert "AttributeError" in upstream.dbt("retry").stdout
    ours.dbt("retry-plus", exit_code=0)
    assert not unbuilt(ours)


@pytest.mark.parametrize("command", ["ls", "parse", "debug", "deps"])
def test_row_23_what_executes_nothing_hides_nothing(
    command: str, project_after: ProjectFactory, tmp_path: Path
) -> None:
    project = project_after("build", failing=("orders",))
    project.clear_switches()
    project.dbt(command, exit_code=0)

    assert "Resumed from" in project.dbt("retry-plus", exit_code=0).stdout


def test_row_24_a_compile_in_between(project_after: ProjectFactory, tmp_path: Path) -> None:
    project = project_after("build", failing=("orders",))
    project.clear_switches()
    project.dbt("compile", exit_code=0)
    upstream, ours = both(project, tmp_path)

    assert "Nothing to do" in upstream.dbt("retry", exit_code=0).stdout

    said = ours.dbt("retry-plus", exit_code=0).stdout
    assert "An earlier invocation is unresolved: `dbt build` (" in said
    advice = said.split("Retry it with `dbt retry-plus ")[1].split("`")[0]
    ours.dbt("retry-plus", *advice.split(), exit_code=0)
    assert not unbuilt(ours)
    assert "unresolved" not in ours.dbt("retry-plus", exit_code=0).stdout


def test_row_32_a_compile_that_failed(project_after: ProjectFactory, tmp_path: Path) -> None:
    project = project_after("seed")
    project.edit("models/marts/customers.sql", "select", "{{ run_query('select * from nowhere') }} select")
    (project.target / "run_results.json").unlink()
    project.dbt("compile", exit_code=2)
    project.edit("models/marts/customers.sql", "{{ run_query('select * from nowhere') }} select", "select")
    upstream, ours = both(project, tmp_path)

    assert "Could not find previous run" in upstream.dbt("retry", exit_code=2).stdout
    ours.dbt("retry-plus", exit_code=0)
    assert set(ours.statuses().values()) == {"success"}


def test_row_34_a_failed_run_that_wrote_no_results(project_after: ProjectFactory, tmp_path: Path) -> None:
    project = project_after("build")
    project.set_switch("orders")
    project.dbt("--no-write-json", "run", "--select", "orders+", exit_code=1)
    project.clear_switches()
    upstream, ours = both(project, tmp_path)

    assert "Nothing to do" in upstream.dbt("retry", exit_code=0).stdout
    retried = ours.dbt("retry-plus", exit_code=0).stdout
    assert "START sql table model main.orders" in retried


def test_killed_retries_are_retried(new_project: ProjectFactory) -> None:
    project = killed_build(new_project, "SIGKILL")
    for moment in ("NodeFinished:3:0", "NodeFinished:2:0"):
        project.dbt("retry-plus", environment={"CRASH_AT": f"{moment}:SIGKILL", "PYTHONPATH": str(PLUGIN)})
    project.dbt("retry-plus", exit_code=0)
    assert not unbuilt(project)

    listed = json.loads(project.dbt("retry-plus", "history", "--output", "json", exit_code=0).stdout)
    results = [invocation["result"] for invocation in listed["invocations"]]
    assert results == ["success", "interrupted", "interrupted", "interrupted", "success", "success"]
