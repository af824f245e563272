"""Row 25 of the table: `dbt source freshness`."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from tests.support.differential import Retry
from tests.support.inline_projects import InlineProject, Workshop

JUST_NOW = f"timestamp '{datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S}' as loaded_at"
SOURCES = {
    "sources": [
        {
            "name": "raw",
            "loaded_at_field": "loaded_at",
            "freshness": {"error_after": {"count": 100, "period": "day"}},
            "tables": [{"name": "there"}, {"name": "late"}],
        }
    ]
}
PROJECT = InlineProject(
    files={"models/raw.yml": json.dumps(SOURCES)},
    raw=("create schema raw", f"create table raw.there as select {JUST_NOW}"),
    first=("source freshness",),
)


@pytest.mark.every_minor  # what its task takes differs
def test_row_25_sources_that_errored_are_checked_again(workshop: Workshop) -> None:
    arrived = Retry(sql=[f"create table raw.late as select {JUST_NOW}"])
    comparison = workshop.compare(PROJECT, arrived)

    assert comparison.upstream.invocation.exit_code != 0
    assert comparison.ours.invocation.exit_code == 0, comparison.ours.invocation.output
    assert comparison.ours.statuses == {"raw": "pass"}
    assert "PASS freshness of raw.late" in comparison.ours.invocation.stdout
    assert "freshness of raw.there" not in comparison.ours.invocation.stdout

    again = workshop.run(PROJECT, Retry(), "retry-plus").invocation
    assert again.exit_code == 0
    assert "Nothing to retry" in again.stdout
