"""A report on its way out: without secrets, and with nothing that JSON lacks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dbt_retry_plus.execution.handing_out import without_secrets
from dbt_retry_plus.reporting.document import report_document
from dbt_retry_plus.types import RetryReport
from tests.support.reports import report_of


def with_values(report: RetryReport, **values: Any) -> RetryReport:
    return replace(report, arguments=replace(report.arguments, values={**report.arguments.values, **values}))


def test_a_report_with_nothing_to_strike_out_stays_as_it_is() -> None:
    report = report_of(3)
    assert without_secrets(report) == (report, report_document(report))


def test_a_report_with_a_secret_among_its_variables_loses_it() -> None:
    report = with_values(report_of(3), vars={"DBT_ENV_SECRET_KEY": "hush-hush"}, select=["hush-hush"])
    struck, document = without_secrets(report)
    assert "hush-hush" not in str(document) + str(struck)
    assert struck.nodes == report.nodes


def test_a_secret_of_the_environment_is_struck_out_of_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    report = replace(report_of(2), message="It said hush-hush.")
    assert without_secrets(report)[0].message == "It said hush-hush."
    monkeypatch.setenv("DBT_ENV_SECRET_KEY", "hush-hush")
    assert without_secrets(report)[0].message == "It said *****."


def test_what_json_lacks_becomes_what_it_has() -> None:
    report = with_values(report_of(1), vars={1: ("a", "b")})
    struck, document = without_secrets(report)
    assert struck.arguments.values["vars"] == {"1": ["a", "b"]}
    assert document["arguments"]["vars"]["value"] == {"1": ["a", "b"]}
