"""The whole of jaffle_shop, on DuckDB and on PostgreSQL: `dbt retry` and `dbt retry-plus` leave the same behind.

The switch that made a node fail is turned off between the command and its retry; no file changes.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import ProjectFactory
from tests.support.invocations import dbt_version
from tests.support.projects import Adapter, DbtProject

NOTE_ARGUMENTS = """{note: "it's done", details: {owner: {name: 'Ann "A."'}, tags: [a, b c]}}"""

# command to retry → the nodes that fail in it
COMMANDS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("build",): ("orders",),
    ("build", "--selector", "nightly", "--threads", "2"): ("stg_payments",),
    ("seed", "--full-refresh"): ("raw_payments",),
    ("run", "--exclude", "customers", "--vars", "{unused: [1, two]}"): ("orders", "daily_revenue"),
    ("snapshot",): ("order_history",),
    ("test", "--select", "orders", "customers"): ("unique_orders_order_id",),
    ("run-operation", "record_note", "--args", NOTE_ARGUMENTS): ("record_note",),
}


def after_failure(project: DbtProject, command: tuple[str, ...], failing: tuple[str, ...]) -> DbtProject:
    if command[0] not in ("build", "seed"):
        project.dbt("build", "--quiet", exit_code=0)
    for node in failing:
        project.set_switch(node)
    project.dbt(*command, exit_code=1)
    project.clear_switches()
    return project


def recorded(project: DbtProject) -> dict[str, Any]:
    results = project.run_results()
    # `sqlparse` holds nulls, which `dbt retry` turns into the text "None" (row 30).
    moving = {"invocation_command", "log_path", "project_dir", "profiles_dir", "sqlparse"}
    return {
        "arguments": {name: value for name, value in results["args"].items() if name not in moving},
        "rows": {row["unique_id"]: (row["status"], row["failures"]) for row in results["results"]},
    }


@pytest.mark.every_minor
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0] + str(len(command)))
def test_a_retry_leaves_what_dbt_retry_leaves(
    new_project: ProjectFactory, adapter: Adapter, command: tuple[str, ...]
) -> None:
    if command != ("build",) and (adapter == "duckdb" or dbt_version() < (1, 12)):
        pytest.skip("each command is compared on PostgreSQL with dbt-core 1.12, a build everywhere")
    upstream, ours = (
        after_failure(new_project("jaffle_shop", adapter, folder=folder), command, COMMANDS[command])
        for folder in ("one", "two")
    )

    exit_codes = [upstream.dbt("retry").returncode, ours.dbt("retry-plus", "--no-merge-results").returncode]

    assert exit_codes in ([0, 0], [1, 1])
    assert recorded(ours)["arguments"] == recorded(upstream)["arguments"]
    assert recorded(ours)["rows"] == recorded(upstream)["rows"]
    assert recorded(ours)["rows"]
    assert ours.relations() == upstream.relations()
    if command[0] == "run-operation":
        query = "select note, details from control.notes"
        assert ours.fetch(query) == upstream.fetch(query)
        assert ours.fetch(query)[0][0] == "it's done"
