"""Nodes that fail with an error that passes are executed again, and end as if nothing had happened."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import ProjectFactory
from tests.support.faults import (
    QUICK,
    SERIALIZATION_FAILURE,
    SYNTAX_ERROR,
    TERMINATE,
    calls,
    plan_fault,
    prepare_faults,
)
from tests.support.projects import DbtProject

pytestmark = pytest.mark.postgres
NODES = ("base", "hooked", "grown", "keyed", "kept", "stored")
HOOKS = """
from pathlib import Path
from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.words import ErrorClass

def note(*words):
    with Path("told.txt").open("a") as file:
        print(*words, file=file)

@hookimpl
def retry_plus_classify(error):
    if error.causes[-1].codes.get("pgcode") == "42601" and error.attempt == 1:
        yield ErrorClass.TRANSIENT

@hookimpl
def retry_plus_before_attempt(attempt):
    note("begin", attempt.unique_id, attempt.number)

@hookimpl
def retry_plus_after_attempt(attempt):
    note("end", attempt.unique_id, attempt.number, attempt.status, attempt.delay is not None)
"""


@pytest.fixture
def faults(new_project: ProjectFactory) -> DbtProject:
    project = new_project("faults", "postgres")
    prepare_faults(project)
    return project


@pytest.fixture
def failed(faults: DbtProject) -> DbtProject:
    plan_fault(faults, "keyed", SYNTAX_ERROR)
    faults.dbt("build", "--select", "+keyed", exit_code=1)
    return faults


def retried(project: DbtProject, *options: str, exit_code: int = 0) -> dict[str, Any]:
    project.dbt("retry-plus", *options, "--report", "json:report.json", exit_code=exit_code)
    report: dict[str, Any] = json.loads((project.folder / "report.json").read_text())
    return report


def node_of(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(node for node in report["nodes"] if node["unique_id"].endswith(f".{name}"))


@pytest.mark.parametrize("kind", [TERMINATE, SERIALIZATION_FAILURE])
def test_every_kind_of_node_is_healed(faults: DbtProject, kind: str) -> None:
    faults.dbt("build", exit_code=0)
    undisturbed = faults.relations()
    for node in NODES:
        plan_fault(faults, node, kind)
    faults.dbt("build", exit_code=1)
    for node in NODES:
        plan_fault(faults, node, kind)

    faults.dbt("retry-plus", *QUICK, exit_code=0)

    assert faults.relations() == undisturbed
    # Two rows each, but for a hook: one call fails, and then each row asks.
    assert {node: calls(faults, node) for node in NODES} == {**dict.fromkeys(NODES, 3), "hooked": 2}


def test_exec_heals_a_command_from_the_start(faults: DbtProject) -> None:
    for node in NODES:
        plan_fault(faults, node, SERIALIZATION_FAILURE)
    done = faults.dbt("retry-plus", "exec", *QUICK, "--fail-on-flaky", "--", "build", exit_code=1)
    assert "Completed successfully" in done.stdout
    assert "Not proven on the first attempt" in done.stdout
    assert "Nothing to retry" in faults.dbt("retry-plus", exit_code=0).stdout


def test_a_syntax_error_costs_one_attempt_and_retrying_will_not_help(failed: DbtProject) -> None:
    plan_fault(failed, "keyed", SYNTAX_ERROR)
    report = retried(failed, *QUICK, exit_code=1)
    assert calls(failed, "keyed") == 1
    assert report["verdict"] == "retry_will_not_help"
    assert [attempt["error_class"] for attempt in node_of(report, "keyed")["attempts"]] == ["permanent"]


def test_without_attempts_nothing_is_executed_twice_but_errors_are_told_apart(failed: DbtProject) -> None:
    plan_fault(failed, "keyed", SERIALIZATION_FAILURE)
    report = retried(failed, exit_code=1)
    assert calls(failed, "keyed") == 1
    assert report["verdict"] == "still_failing"
    assert node_of(report, "keyed")["attempts"][0]["error_class"] == "transient"


def test_attempts_are_used_up(failed: DbtProject) -> None:
    plan_fault(failed, "keyed", SERIALIZATION_FAILURE, times=9)
    report = retried(failed, *QUICK, exit_code=1)
    assert calls(failed, "keyed") == 3
    assert [attempt["status"] for attempt in node_of(report, "keyed")["attempts"]] == ["error"] * 3
    assert failed.statuses()["model.faults.keyed"] == "error"


def test_what_recovers_is_flaky_and_the_ledger_remembers(failed: DbtProject) -> None:
    for times in range(3):
        plan_fault(failed, "keyed", SERIALIZATION_FAILURE)
        report = retried(failed, *QUICK, *(("--fail-on-flaky",) if times == 2 else ()), exit_code=times == 2)
        node = node_of(report, "keyed")
        assert [attempt["status"] for attempt in node["attempts"]] == ["error", "success"]
        assert (report["verdict"], node["flaky_before"]) == ("recovered", times)
        plan_fault(failed, "keyed", SYNTAX_ERROR)
        failed.dbt("run", "--select", "keyed", exit_code=1)
    text = failed.dbt("retry-plus", "report", report["invocation"]["invocation_id"], "--format", "text", exit_code=0)
    assert "flaky: recovered on attempt 2; third time this week" in text.stdout


def test_a_node_has_rules_of_its_own_and_the_command_line_wins(failed: DbtProject) -> None:
    (failed.folder / "dbt_retry_plus.yml").write_text("attempts: 2\ndelay: 0.1s\njitter: 0s\n")
    failed.edit("models/models.yml", "config: {contract", "config: {meta: {retry_plus: {attempts: 4}}, contract")
    for given, expected in (((), 4), (("--attempts", "3"), 3)):
        plan_fault(failed, "keyed", SERIALIZATION_FAILURE, times=9)
        retried(failed, *given, exit_code=1)
        assert calls(failed, "keyed") == expected


def test_an_operation_is_run_again_only_where_settings_say_that_this_does_no_harm(faults: DbtProject) -> None:
    plan_fault(faults, "operate", SERIALIZATION_FAILURE, times=2)
    for settings, code in (("record: true", 1), ("idempotent_operations: [operate]", 0)):
        (faults.folder / "dbt_retry_plus.yml").write_text(settings)
        before = calls(faults, "operate")
        faults.dbt("retry-plus", "exec", *QUICK, "--", "run-operation", "operate", exit_code=code)
        assert calls(faults, "operate") - before == (1 if code else 2)


def test_plugins_say_what_an_error_is_and_are_told_of_attempts(failed: DbtProject) -> None:
    (failed.folder / "retry_plus_hooks.py").write_text(HOOKS)
    (failed.folder / "dbt_retry_plus.yml").write_text("hooks: retry_plus_hooks.py\n")
    plan_fault(failed, "keyed", SYNTAX_ERROR)
    retried(failed, *QUICK)
    assert (failed.folder / "told.txt").read_text().splitlines() == [
        "begin model.faults.keyed 1",
        "end model.faults.keyed 1 error True",
        "begin model.faults.keyed 2",
        "end model.faults.keyed 2 success False",
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--attempts", "none"), "--attempts, gives the setting 'attempts' the value 'none', which is not a whole"),
        (("--only-rerun", "("), "which is not a regular expression"),
        (("--delay", "soon"), "which is not a time"),
    ],
)
def test_what_makes_no_sense_is_refused(failed: DbtProject, options: tuple[str, ...], said: str) -> None:
    assert said in failed.dbt("retry-plus", *options, exit_code=2).stdout


def test_exec_takes_commands_that_execute_nodes(faults: DbtProject) -> None:
    assert "`parse` executes no nodes" in faults.dbt("retry-plus", "exec", "--", "parse", exit_code=2).stderr
