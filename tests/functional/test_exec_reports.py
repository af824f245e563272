"""What is told of a command that gives nodes attempts from the start."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.conftest import ProjectFactory
from tests.functional.refusals import sentence
from tests.functional.test_reports import (
    ALL_ARRIVE,
    ARRIVES,
    CRASH_PLUGIN,
    PROJECT,
    SECRET,
    document,
    fates,
    kept,
    report,
)
from tests.support.differential import Retry
from tests.support.faults import QUICK, SERIALIZATION_FAILURE, plan_fault, prepare_faults
from tests.support.inline_projects import Workshop
from tests.support.invocations import Invocation
from tests.support.reports import validate

NEW = PROJECT.after("parse")


@pytest.fixture
def shop(workshop: Workshop) -> Workshop:
    workshop.restore(workshop.prepare(NEW))
    return workshop


def build(shop: Workshop, options: str = "", words: str = "build", **changes: Any) -> Invocation:
    wanted = Retry(**changes)
    shop.put_right(wanted)
    return shop.dbt(NEW, wanted)("retry-plus", "exec", *shlex.split(options), "--", *shlex.split(words))


def written(shop: Workshop) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((shop.stage / "project/target/retry_plus_report.json").read_text())
    validate(told)
    return told


def test_what_fails_is_told_and_no_secret_with_it(shop: Workshop) -> None:
    done = build(shop, "--report json --report text --report junit:out.xml", sql=ARRIVES)

    assert done.exit_code == 1
    told = written(shop)
    assert fates(told) == {
        "model.shop.first": "succeeded",
        "model.shop.late": "succeeded",
        "model.shop.leaky": "failed",
        "model.shop.below": "never attempted",
    }
    assert (told["verdict"], told["chain"], told["command"]) == ("retry_will_not_help", [], "build")
    nodes = {node["unique_id"]: node for node in told["nodes"]}
    assert nodes["model.shop.late"]["parents"] == ["model.shop.first"]
    assert nodes["model.shop.leaky"]["compiled_path"].endswith("compiled/shop/models/leaky.sql")
    (attempt,) = nodes["model.shop.leaky"]["attempts"]
    assert "*****" in attempt["message"]
    lines = done.stdout.splitlines()
    assert any("retry will not help. Ran `dbt build`" in line for line in lines)
    assert any("2 succeeded, 1 failed, 1 never attempted; took" in line and "saved" not in line for line in lines)
    assert [case.get("name") for case in ET.parse(shop.stage / "project/out.xml").iter("testcase")][1:] == [
        unique_id.split(".", 2)[-1] for unique_id in fates(told)
    ]
    assert [path for path in (shop.stage / "project").rglob("*report*") if SECRET in path.read_text()] == []
    assert document(shop) == told == document(shop, told["invocation"]["invocation_id"][:8])
    assert (shop.stage / "project/seen.txt").read_text() == "retry_will_not_help None"


def test_the_report_is_that_of_this_command_however_it_ends(shop: Workshop) -> None:
    assert build(shop, "--report json", sql=ALL_ARRIVE).exit_code == 0
    green = written(shop)
    assert (green["verdict"], green["counts"]) == ("succeeded", {"succeeded": 4})

    assert build(shop, "--report json", files={"models/first.sql": "{{ ref('nothing') }}"}).exit_code == 2
    broken = written(shop)
    assert (broken["verdict"], broken["nodes"]) == ("still_failing", [])
    assert "depends on a node named 'nothing'" in broken["message"]

    assert (
        build(shop, "--report json", "run --select nosuch", files={"models/first.sql": "select 1 as id"}).exit_code == 0
    )
    assert (written(shop)["verdict"], written(shop)["nodes"]) == ("succeeded", [])


def test_a_killed_command_is_told_from_its_journal(shop: Workshop) -> None:
    path = os.pathsep.join(filter(None, [str(CRASH_PLUGIN), os.environ.get("PYTHONPATH")]))
    crash = {"CRASH_AT": "NodeFinished:2:0:SIGKILL", "PYTHONPATH": path}
    died = build(shop, words="build --threads 1", sql=ALL_ARRIVE, environment=crash, cold=True)
    assert died.exit_code == -9
    assert kept(shop) == []
    told = document(shop)
    assert told["verdict"] == "interrupted"
    assert sorted(fates(told).values()) == ["interrupted", "never attempted", "never attempted", "succeeded"]
    assert "What did not succeed at once" in report(shop, "--format", "html")


def test_without_a_record_it_is_told_all_the_same(shop: Workshop) -> None:
    done = build(shop, "--report json", sql=ARRIVES, environment={"DBT_RETRY_PLUS_RECORD": "0"})
    assert done.exit_code == 1
    told = written(shop)
    assert told["counts"] == {"succeeded": 2, "failed": 1, "never attempted": 1}
    assert told["verdict"] == "retry_will_not_help"
    assert kept(shop) == []


def test_what_cannot_be_told_is_refused_before_anything_runs(shop: Workshop) -> None:
    refused = build(shop, "--report jnuit")
    assert refused.exit_code == 2
    assert refused.started == frozenset()
    assert "There is no report format 'jnuit'. Did you mean 'junit'?" in sentence(refused)


@pytest.mark.postgres
def test_what_recovers_is_flaky(new_project: ProjectFactory, tmp_path: Path) -> None:
    project = new_project("faults", "postgres")
    prepare_faults(project)
    plan_fault(project, "keyed", SERIALIZATION_FAILURE)
    out = tmp_path / "report.json"
    done = project.dbt(
        "retry-plus",
        "exec",
        *QUICK,
        "--report",
        f"json:{out}",
        "--report",
        "text",
        "--",
        "build",
        "-s",
        "+keyed",
        exit_code=0,
    )
    told = json.loads(out.read_text())
    validate(told)
    assert told["verdict"] == "recovered"
    assert {node["fate"] for node in told["nodes"]} == {"recovered", "succeeded"}
    (recovered,) = (node for node in told["nodes"] if node["fate"] == "recovered")
    assert recovered["unique_id"] == "model.faults.keyed"
    assert [(attempt["status"], attempt["error_class"]) for attempt in recovered["attempts"]] == [
        ("error", "transient"),
        ("success", None),
    ]
    assert "flaky: recovered on attempt 2" in done.stdout
    text = project.dbt("retry-plus", "report", "--format", "text", exit_code=0).stdout
    assert "recovered. Ran `dbt build`" in text
