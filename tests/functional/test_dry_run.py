"""`--dry-run`: the plan, for people and for machines, and nothing else."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.functional.refusals import artifacts
from tests.support.differential import Retry
from tests.support.inline_projects import InlineProject, Workshop
from tests.support.invocations import Dbt, WarmDbt, tool_environment

PROJECT = InlineProject(
    files={
        "models/first.sql": "{{ config(materialized='table') }} select 1 as id",
        "models/late.sql": "{{ config(materialized='table') }} select f.id from {{ ref('first') }} f, raw.late",
        "models/below.sql": "select * from {{ ref('late') }}",
    },
    first=("build --vars 'color: red'",),
)
# What dbt writes for itself when it parses and compiles.
DBTS_OWN = {"target", "partial_parse.msgpack", "graph_summary.json"}

CHANGED = {"models/first.sql": "{{ config(materialized='table') }} select 2 as id"}


def plan_of(workshop: Workshop, arguments: str = "", **changes: Any) -> dict[str, Any]:
    done = workshop.run(PROJECT, Retry(f"--dry-run --output json {arguments}", **changes), "retry-plus")
    assert done.invocation.exit_code == 0, done.invocation.output
    document: dict[str, Any] = json.loads(done.invocation.stdout)  # nothing else is there
    jsonschema.validate(
        document, json.loads(files("dbt_retry_plus.reporting").joinpath("plan.schema.json").read_text())
    )
    return document


def test_the_plan_as_json(workshop: Workshop) -> None:
    workshop.restore(workshop.prepare(PROJECT))

    plan = plan_of(workshop, "--full-refresh", files=CHANGED, environment={"DBT_FAIL_FAST": "true"})

    assert plan["command"] == "build"
    assert plan["proven"] == 0
    reasons = {node["unique_id"]: (node["reason"], node["cause"], node["previous_status"]) for node in plan["nodes"]}
    assert reasons == {
        "model.shop.first": ("changed since it succeeded", "model.shop.late", "success"),
        "model.shop.late": ("failed", None, "error"),
        "model.shop.below": ("skipped", None, "skipped"),
    }
    assert plan["arguments"]["vars"] == {"value": {"color": "red"}, "source": "recorded"}
    assert plan["arguments"]["full_refresh"] == {"value": True, "source": "command line"}
    assert plan["arguments"]["threads"]["source"] == "recorded" if "threads" in plan["arguments"] else True


def test_the_plan_for_people(workshop: Workshop) -> None:
    workshop.restore(workshop.prepare(PROJECT))

    said = workshop.run(PROJECT, Retry("--dry-run --vars 'size: 3'", files=CHANGED), "retry-plus").invocation.stdout

    assert "would run 3 nodes:" in said
    assert "  changed since it succeeded (1)" in said
    assert "    model.shop.first  ← model.shop.late" in said
    assert '  --vars: {"color": "red", "size": 3} (merged)' in said


@pytest.mark.parametrize("arguments", ["--dry-run", "--dry-run --output json", "--confirm"])
def test_nothing_is_run_or_written(workshop: Workshop, arguments: str) -> None:
    workshop.restore(workshop.prepare(PROJECT))
    before = artifacts(workshop.stage)

    done = workshop.run(PROJECT, Retry(arguments), "retry-plus")

    assert done.statuses == {}
    changed = {path for path, content in artifacts(workshop.stage).items() if before.get(path) != content}
    assert {Path(path).name for path in changed} <= DBTS_OWN


def test_json_without_a_dry_run_is_refused(workshop: Workshop) -> None:
    workshop.restore(workshop.prepare(PROJECT))
    refused = workshop.run(PROJECT, Retry("--output json"), "retry-plus").invocation
    assert refused.exit_code == 2
    assert "--output json is for --dry-run. Add that, or leave --output out." in refused.stderr


def test_a_refusal_leaves_stdout_empty(workshop: Workshop) -> None:
    workshop.restore(workshop.prepare(PROJECT))
    refused = workshop.run(PROJECT, Retry("--dry-run --output json --invocation nothing"), "retry-plus").invocation
    assert refused.exit_code == 2
    assert refused.stdout == ""
    assert "There is no invocation 'nothing'" in refused.stderr


@pytest.mark.parametrize("command", [("--dry-run", "--output", "json"), ("find", "--tag", "a task")])
@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({}, "is not a dbt project: it holds no dbt_project.yml."),
        ({"dbt_project.yml": "name: a_project\nprofile: nowhere\n"}, "Could not find profile named 'nowhere'"),
    ],
)
def test_a_command_whose_output_is_a_document_says_why_it_ends(
    tmp_path: Path, warm_dbt: WarmDbt, command: tuple[str, ...], written: dict[str, str], sentence: str
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    for name, text in {**written, "profiles.yml": "somewhere: {}\n"}.items():
        (project / name).write_text(text)
    environment = tool_environment(tmp_path, {"DBT_PROFILES_DIR": str(project)})
    ended = Dbt(warm_dbt, project, environment, tmp_path / "dbt.log")("retry-plus", *command)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr.count(sentence) == 1 and "Traceback" not in ended.stderr
