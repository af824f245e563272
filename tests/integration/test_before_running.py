"""What a retry says, and asks for, before it runs anything."""

from __future__ import annotations

import os
import pty
import subprocess

import pytest

from tests.conftest import ProjectFactory
from tests.crash.campaign import PLUGIN
from tests.support.projects import dbt_program


@pytest.mark.parametrize("signal", ["SIGKILL", "SIGINT"])
def test_a_run_operation_that_was_stopped_runs_again_only_when_that_is_forced(
    new_project: ProjectFactory, signal: str
) -> None:
    project = new_project("jaffle_shop", "duckdb", folder="stopped")
    operation = ("run-operation", "record_note", "--args", "{note: once}")
    project.dbt(*operation, environment={"CRASH_AT": f"SQLQuery:2:0:{signal}", "PYTHONPATH": str(PLUGIN)})

    refused = project.dbt("retry-plus", exit_code=2)
    assert "what it had done may be done twice" in refused.stdout
    assert "[operation-half-done]" in refused.stdout

    project.dbt("retry-plus", "--force", exit_code=0)
    assert project.fetch("select note from control.notes") == [("once",)]
    assert "Nothing to retry" in project.dbt("retry-plus", exit_code=0).stdout


def test_at_a_terminal_the_plan_is_said_in_short(project_after: ProjectFactory) -> None:
    project = project_after("build", failing=("orders",))
    project.clear_switches()
    terminal, other_end = pty.openpty()
    shown = b""
    with subprocess.Popen(
        [str(dbt_program()), "retry-plus"],
        cwd=project.folder,
        env={**project.environment, "TERM": "xterm"},
        stdout=other_end,
        stderr=other_end,
        stdin=subprocess.DEVNULL,
    ) as process:
        os.close(other_end)
        while True:
            try:
                read = os.read(terminal, 10_000)
            except OSError:  # the other end is closed
                break
            if not read:
                break
            shown += read
    os.close(terminal)
    assert process.returncode == 0, shown
    assert b"Retrying " in shown
    assert b"1 failed: model.jaffle_shop.orders" in shown
