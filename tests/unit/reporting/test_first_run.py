"""The account of a command that retried nothing."""

from __future__ import annotations

from typing import Any

import pytest

from dbt_retry_plus.plugin_manager import load_plugins
from dbt_retry_plus.reporting.document import report_document, report_from
from dbt_retry_plus.reporting.first_run import report_of_first_run
from dbt_retry_plus.reporting.outputs import report_formats
from dbt_retry_plus.settings import Settings
from dbt_retry_plus.types import EndedAttempt, RetryReport
from dbt_retry_plus.words import ErrorClass, Verdict
from tests.support.ledgers import graph, invocation
from tests.support.reports import NOW, validate


def failed(node: str, found: ErrorClass, *, last: bool = True) -> EndedAttempt:
    return EndedAttempt(node, 1, status="error", message="no", error_class=found, delay=None if last else 1.0)


def made(statuses: dict[str, str], *attempts: EndedAttempt, **changes: Any) -> RetryReport:
    told = {attempt.unique_id: (attempt,) for attempt in attempts}
    values = {"succeeded": True, "started_at": NOW, "selection": frozenset(statuses), **changes}
    return report_of_first_run(
        invocation("1", statuses, failed_attempts=told, **values),
        graph("model.a", "model.b", parents={"model.b": ("model.a",)}),
    )


@pytest.mark.parametrize(
    ("statuses", "attempts", "changes", "verdict", "fates"),
    [
        ({"model.a": "success"}, (), {}, Verdict.SUCCEEDED, ["succeeded"]),
        (
            {"model.a": "success"},
            (failed("model.a", ErrorClass.TRANSIENT, last=False),),
            {},
            Verdict.RECOVERED,
            ["recovered"],
        ),
        ({"model.a": "success"}, (), {"succeeded": False}, Verdict.STILL_FAILING, ["succeeded"]),
        ({"model.a": "success"}, (), {"succeeded": None}, Verdict.STILL_FAILING, ["succeeded"]),
        ({"model.a": "success"}, (), {"ended": False, "succeeded": None}, Verdict.INTERRUPTED, ["succeeded"]),
        ({"model.a": "interrupted"}, (), {"ended": False, "succeeded": None}, Verdict.INTERRUPTED, ["interrupted"]),
        ({}, (), {"ended": False, "error": "no project", "succeeded": False}, Verdict.STILL_FAILING, []),
        (
            {"model.a": "error", "model.b": "skipped"},
            (failed("model.a", ErrorClass.PERMANENT),),
            {"succeeded": False},
            Verdict.RETRY_WILL_NOT_HELP,
            ["failed", "never attempted"],
        ),
        (
            {"model.a": "error"},
            (failed("model.a", ErrorClass.TRANSIENT),),
            {"succeeded": False},
            Verdict.STILL_FAILING,
            ["failed"],
        ),
        ({"model.a": "a status of tomorrow"}, (), {}, Verdict.STILL_FAILING, ["failed"]),
    ],
)
def test_never_green_with_a_node_unproven(
    statuses: dict[str, str], attempts: Any, changes: dict[str, Any], verdict: Verdict, fates: list[str]
) -> None:
    report = made(statuses, *attempts, **changes)
    assert (report.verdict, [node.fate.value for node in report.nodes]) == (verdict, fates)


def test_it_is_told_in_every_format_and_read_again() -> None:
    report = made({"model.a": "success", "model.b": "error"}, failed("model.b", ErrorClass.UNKNOWN), succeeded=False)
    document = report_document(report)
    validate(document)
    assert report_from(document) == report
    formats, _ = report_formats(load_plugins(Settings(), None))
    rendered = {name: found.render(report) for name, found in formats.items()}
    assert all("Ran `dbt build`" in rendered[name] for name in ("text", "junit"))
    assert "Ran dbt build" in rendered["html"]
    assert "retried" not in rendered["html"].partition("<script>")[0]
    assert " saved" not in "".join(rendered.values())
    assert [node.parents for node in report.nodes] == [(), ("model.a",)]
