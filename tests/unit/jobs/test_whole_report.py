"""The report of a whole run of a job: never green unless all steps are done, and all that is known of them is green."""

from __future__ import annotations

from typing import Any

import pytest

from dbt_retry_plus.jobs.record import SCHEMA, JobRun, run_of
from dbt_retry_plus.jobs.whole_report import report_of_run
from dbt_retry_plus.plugin_manager import load_plugins
from dbt_retry_plus.reporting.document import report_document, report_from
from dbt_retry_plus.reporting.outputs import report_formats
from dbt_retry_plus.settings import Settings
from dbt_retry_plus.types import Attempt, ReportedNode, RetryReport
from dbt_retry_plus.words import Fate, Verdict
from tests.support.reports import report, validate

STEPS = {"steps": [{"name": "seed", "command": "dbt seed"}, {"name": "run", "command": "dbt run"}], "env": {}}
HEAD = {"event": "job", "schema": SCHEMA, "run_id": "run1", "job": "nightly", "definition": STEPS, "first": 0}
AT = "2026-01-02T03:00:01.000000Z"


def run(*statuses: str, end: str | None = None) -> JobRun:
    lines: list[dict[str, Any]] = [{**HEAD, "started_at": AT}]
    for number, status in enumerate(statuses):
        lines.append({"event": "start", "at": AT, "step": number, "command": "dbt x"})
        lines.append({"event": "finish", "at": AT, "step": number, "status": status, "invocation_id": f"i{number}"})
    return run_of([*lines, *([{"event": "end", "at": AT, "status": end, "duration": 3.0}] if end else [])])


def node(name: str, fate: Fate, *attempts: str) -> ReportedNode:
    return ReportedNode(name, fate, (attempts or ("skipped",))[-1], attempts=tuple(Attempt(each) for each in attempts))


def of_step(verdict: Verdict, *nodes: ReportedNode, **changes: Any) -> RetryReport:
    return report(*nodes, verdict=verdict, chain=(), findings=(), **changes)


GREEN = of_step(Verdict.SUCCEEDED, node("seed.a", Fate.SUCCEEDED, "success"))
HEALED = of_step(Verdict.RECOVERED, node("model.b", Fate.RECOVERED, "error", "success"))
BROKEN = of_step(Verdict.RETRY_WILL_NOT_HELP, node("model.b", Fate.FAILED, "error"))
RED = of_step(Verdict.STILL_FAILING, message="no project")


@pytest.mark.parametrize(
    ("ran", "reports", "verdict"),
    [
        (run("success", "success", end="success"), {0: GREEN, 1: GREEN}, Verdict.SUCCEEDED),
        (run("success", "success", end="success"), {0: GREEN, 1: HEALED}, Verdict.RECOVERED),
        (run("success", "success", end="success"), {0: GREEN, 1: RED}, Verdict.STILL_FAILING),
        (run("success", "success", end="success"), {}, Verdict.SUCCEEDED),
        (run("success", "error", end="error"), {0: GREEN, 1: BROKEN}, Verdict.RETRY_WILL_NOT_HELP),
        (run("success", "error", end="error"), {0: GREEN, 1: RED}, Verdict.STILL_FAILING),
        (run("success", "error", end="error"), {0: GREEN}, Verdict.STILL_FAILING),
        (run("error", end="error"), {}, Verdict.STILL_FAILING),
        (run("success", "cancelled", end="cancelled"), {0: GREEN, 1: BROKEN}, Verdict.INTERRUPTED),
        (run("success"), {0: GREEN}, Verdict.INTERRUPTED),
    ],
)
def test_never_green_where_a_step_is_not(ran: JobRun, reports: dict[int, RetryReport], verdict: Verdict) -> None:
    assert report_of_run(ran, reports).verdict is verdict


def test_all_steps_are_in_it_in_every_format() -> None:
    told = report_of_run(run("success", "error", end="error"), {0: GREEN, 1: RED})
    assert told.message == "1. seed: success\n2. run: error (no project)"
    document = report_document(told)
    validate(document)
    assert report_from(document) == told
    formats, _ = report_formats(load_plugins(Settings(), None))
    assert all("job run nightly" in found.render(told) for found in formats.values())


def test_a_step_whose_record_is_elsewhere_is_named() -> None:
    told = report_of_run(run("success", "error", end="error"), {})
    assert "2. run: error (the record of its invocation i1 could not be found)" in str(told.message)


@pytest.mark.parametrize(
    ("earlier", "later", "fate", "attempts"),
    [
        (("succeeded", "success"), ("failed", "error"), Fate.FAILED, 2),
        (("failed", "error"), ("succeeded", "success"), Fate.SUCCEEDED, 2),
        (("failed", "error"), ("proven before",), Fate.FAILED, 1),
        (("succeeded", "success"), ("proven before",), Fate.SUCCEEDED, 1),
        (("succeeded", "success"), ("never attempted",), Fate.NEVER_ATTEMPTED, 1),
    ],
)
def test_a_node_of_two_steps_is_told_once(
    earlier: tuple[str, ...], later: tuple[str, ...], fate: Fate, attempts: int
) -> None:
    steps = [of_step(Verdict.STILL_FAILING, node("model.b", Fate(each[0]), *each[1:])) for each in (earlier, later)]
    (told,) = report_of_run(run("success", "error", end="error"), dict(enumerate(steps))).nodes
    assert (told.fate, len(told.attempts)) == (fate, attempts)
