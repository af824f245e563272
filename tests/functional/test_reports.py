"""What is told of a retry: kept on the ledger, written where it is asked for, and handed to plugins."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.functional.refusals import sentence
from tests.support.differential import Retry
from tests.support.inline_projects import InlineProject, Workshop
from tests.support.invocations import Invocation
from tests.support.reports import validate

SCRIPT = Path(sys.executable).with_name("dbt-retry-plus")
CRASH_PLUGIN = Path(__file__).parents[1] / "crash" / "plugin"
SECRET = "hunter2_of_the_warehouse"
HOOKS = """
    from pathlib import Path
    from dbt_retry_plus.hookspecs import hookimpl
    from dbt_retry_plus.types import ReportFormat

    @hookimpl
    def retry_plus_report_formats():
        return [
            ReportFormat("names", ".names", lambda report: " ".join(node.unique_id for node in report.nodes)),
            ReportFormat("json", ".json", lambda report: "not me"),
            ReportFormat("broken", ".broken", lambda report: 1 / 0),
        ]

    @hookimpl
    def retry_plus_report(report):
        Path("seen.txt").write_text(f"{report.verdict.value} {report.message}")
"""
TABLE = "{{ config(materialized='table') }}"
PROJECT = InlineProject(
    files={
        "models/first.sql": f"{TABLE} select 1 as id",
        "models/late.sql": f"{TABLE} select f.id from {{{{ ref('first') }}}} f, raw.late",
        "models/leaky.sql": f"{TABLE} select * from raw.{SECRET}",
        "models/below.sql": "select * from {{ ref('leaky') }}",
        "dbt_retry_plus.yml": "hooks: hooks.py",
        "hooks.py": HOOKS,
    },
    environment={"DBT_ENV_SECRET_PASSWORD": SECRET},
    first=("build",),
)
ARRIVES = ["create schema raw", "create table raw.late as select 1 as x"]
ALL_ARRIVE = [*ARRIVES, f"create table raw.{SECRET} as select 1 as id"]
FATES = {
    "model.shop.late": "recovered",
    "model.shop.leaky": "still failing",
    "model.shop.below": "never attempted",
    "model.shop.first": "proven before",
}


@pytest.fixture
def shop(workshop: Workshop) -> Workshop:
    workshop.restore(workshop.prepare(PROJECT))
    return workshop


def retry(shop: Workshop, arguments: str = "", **changes: Any) -> Invocation:
    return shop.run(PROJECT, Retry(arguments, **changes), "retry-plus").invocation


def report(shop: Workshop, *arguments: str, exit_code: int = 0) -> str:
    """What `dbt-retry-plus report` prints, which must do without dbt."""
    done = subprocess.run(
        [str(SCRIPT), "report", *arguments],
        cwd=shop.stage / "project",
        env={**shop.dbt(PROJECT).environment, "PYTHONVERBOSE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == exit_code, done.stdout + done.stderr[-2000:]
    assert "import 'dbt.cli" not in done.stderr
    return done.stdout if exit_code == 0 else done.stderr


def document(shop: Workshop, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(report(shop, *arguments, "--format", "json"))
    validate(found)
    return found


def fates(told: dict[str, Any]) -> dict[str, str]:
    return {node["unique_id"]: node["fate"] for node in told["nodes"]}


def kept(shop: Workshop) -> list[Path]:
    return list((shop.stage / "project/target/retry_plus").rglob("*report.json"))


def test_a_retry_is_told_in_every_format_and_no_secret_with_it(shop: Workshop) -> None:
    target, folder = shop.stage / "project/target", shop.stage / "project"
    formats = "--report text --report html --report json --report junit:out.xml --report markdown --report names"
    summary = shop.stage / "summary.md"
    summary.write_text("an earlier step\n")

    done = retry(shop, formats, sql=ARRIVES, environment={"GITHUB_STEP_SUMMARY": str(summary)})

    assert done.exit_code == 1
    told = json.loads((target / "retry_plus_report.json").read_text())
    validate(told)
    assert fates(told) == FATES
    assert told["verdict"] == "retry_will_not_help"
    assert told["command"] == "build"
    nodes = {node["unique_id"]: node for node in told["nodes"]}
    assert nodes["model.shop.below"]["parents"] == ["model.shop.leaky"]
    assert nodes["model.shop.late"]["parents"] == ["model.shop.first"]
    assert nodes["model.shop.late"]["reason"] == "failed"
    assert nodes["model.shop.late"]["compiled_path"].endswith("compiled/shop/models/late.sql")
    (attempt,) = nodes["model.shop.leaky"]["attempts"]
    assert attempt["started_at"] < attempt["completed_at"]
    assert "Thread" in attempt["thread"]
    assert "*****" in attempt["message"]

    lines = done.stdout.splitlines()
    assert any("1 recovered, 1 still failing, 1 never attempted, 1 proven before" in line for line in lines)
    assert any("model.shop.late" in line and "error → success" in line for line in lines)
    assert "✗" in (target / "retry_plus_report.html").read_text()
    cases = ET.parse(folder / "out.xml").getroot().findall("testsuite/testcase")
    assert {case.get("name") for case in cases if case.find("error") is not None} == {"leaky"}
    assert {case.get("name") for case in cases if case.find("flakyError") is not None} == {"late"}
    assert summary.read_text().startswith("an earlier step\n")
    assert "retry will not help" in summary.read_text()
    assert (target / "retry_plus_report.names").read_text().split()[-1] == "model.shop.first"
    assert (folder / "seen.txt").read_text() == "retry_will_not_help None"
    assert "which is taken" in done.output  # the second format of the name json

    written = [*target.glob("retry_plus_report.*"), folder / "out.xml", summary, *kept(shop)]
    assert len(written) == 7
    assert not [path for path in written if SECRET in path.read_text()]
    (own,) = kept(shop)
    assert stat.S_IMODE(own.stat().st_mode) == 0o600
    # Later, without the secret in the environment, and without dbt.
    assert document(shop) == told == document(shop, told["invocation"]["invocation_id"][:8])
    for name in ("text", "junit", "markdown", "html", "names"):
        assert SECRET not in report(shop, "--format", name)


def test_a_report_has_colours_where_dbt_has_them(shop: Workshop) -> None:
    red = "\x1b[31mretry will not help\x1b[0m. Resumed"
    assert red in retry(shop, "--report text --report text:plain.txt", environment={"DBT_USE_COLORS": "true"}).stdout
    assert "\x1b" not in (shop.stage / "project/plain.txt").read_text()
    assert "retry will not help. Resumed" in retry(shop, "--report text").stdout
    assert "\x1b" not in report(shop)
    shown = subprocess.run(
        [str(SCRIPT), "report"],
        cwd=shop.stage / "project",
        env={**shop.dbt(PROJECT).environment, "DBT_USE_COLORS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert red in shown.stdout


def test_a_killed_retry_is_told_from_its_journal(shop: Workshop) -> None:
    path = os.pathsep.join(filter(None, [str(CRASH_PLUGIN), os.environ.get("PYTHONPATH")]))
    crash = {"CRASH_AT": "NodeFinished:1:0:SIGKILL", "PYTHONPATH": path}
    died = retry(shop, "--threads 1", sql=ALL_ARRIVE, environment=crash, cold=True)
    assert died.exit_code == -9
    assert kept(shop) == []

    told = document(shop)

    assert told["verdict"] == "interrupted"
    assert sorted(fates(told).values()) == ["interrupted", "never attempted", "never attempted", "proven before"]
    reasons = {node["unique_id"]: node["reason"] for node in told["nodes"]}
    assert reasons["model.shop.below"] == "skipped"
    assert SECRET not in json.dumps(told)
    # The next one finishes it, and both stay on record.
    assert retry(shop).exit_code == 0
    assert document(shop)["verdict"] == "recovered"
    assert document(shop, told["invocation"]["invocation_id"]) == told


def test_a_refused_retry_is_told_and_no_green_report_of_an_earlier_one_stands(shop: Workshop) -> None:
    assert retry(shop, "--report html", sql=ALL_ARRIVE).exit_code == 0
    html = shop.stage / "project/target/retry_plus_report.html"
    assert "recovered" in html.read_text()
    assert retry(shop, "--report html").exit_code == 0
    assert "nothing to retry" in html.read_text()
    assert document(shop)["verdict"] == "recovered"  # what has nothing to do is not kept

    old = {"DBT_RETRY_PLUS_MAX_AGE": "0s"}
    refused = retry(shop, "--report html --report broken:broken.txt", environment=old)

    assert refused.exit_code == 2
    told = document(shop)
    assert told["verdict"] == "refused"
    assert told["message"] == sentence(refused)
    assert [finding["code"] for finding in told["findings"]] == ["record-too-old"]
    assert "refused" in html.read_text()
    assert (shop.stage / "project/seen.txt").read_text().startswith("refused `dbt build` (")
    assert "could not report on this command: ZeroDivisionError" in refused.output
    assert "The report format 'broken' failed: ZeroDivisionError" in report(shop, "--format", "broken", exit_code=2)
    assert retry(shop, "--report html --invocation nothing").exit_code == 2
    assert not html.exists()  # nothing was found that a report could be of


def test_what_cannot_be_told_is_refused_before_anything_runs(shop: Workshop) -> None:
    for arguments, says in (
        ("--report jnuit", "There is no report format 'jnuit'. Did you mean 'junit'?"),
        ("--report html:nowhere/x.html", "since its folder is not there"),
        ("--report html:models", "which is a folder"),
    ):
        refused = retry(shop, arguments)
        assert refused.exit_code == 2
        assert refused.started == frozenset()
        assert says in sentence(refused)
    usage = retry(shop, "--report html --dry-run")
    assert usage.exit_code == 2
    assert "--report is for a retry that runs" in usage.stderr
    assert "There is no retry on the ledger" in report(shop, exit_code=2)
    (build,) = (shop.stage / "project/target/retry_plus/invocations").iterdir()
    assert f"Invocation {build.name[:8]}: still failing. Ran `dbt build`" in report(shop, build.name[:8])


def test_a_retry_that_is_not_recorded_is_told_all_the_same(shop: Workshop) -> None:
    done = retry(shop, "--report json", sql=ARRIVES, environment={"DBT_RETRY_PLUS_RECORD": "0"})
    assert done.exit_code == 1
    assert fates(json.loads((shop.stage / "project/target/retry_plus_report.json").read_text())) == FATES
    assert kept(shop) == []


def test_a_run_operation_is_told(workshop: Workshop) -> None:
    project = InlineProject(
        {"macros/pay.sql": "{% macro pay() %}{% do run_query('select * from raw.late') %}{% endmacro %}"},
        first=("run-operation pay",),
    )
    workshop.restore(workshop.prepare(project))
    done = workshop.run(project, Retry("--report json", sql=ARRIVES), "retry-plus").invocation
    assert done.exit_code == 0, done.output
    told = json.loads((workshop.stage / "project/target/retry_plus_report.json").read_text())
    assert told["verdict"] == "recovered"
    assert [node["fate"] for node in told["nodes"]] == ["recovered"]
