"""A report on the ledger is whole, or not there."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from dbt_retry_plus.ledger.reports import keep_report, read_report


def test_no_report_is_no_report(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    assert read_report(path) is None
    path.write_text('{"verdict": ')
    assert read_report(path) is None
    path.write_text("[" * 100_000)
    assert read_report(path) is None
    path.write_text("[]")
    assert read_report(path) is None
    path.write_text('{"verdict": "recovered"}')
    assert read_report(path) == {"verdict": "recovered"}


@pytest.mark.parametrize("seconds", [0.5, math.nan, math.inf])
@pytest.mark.parametrize("where", ["before", "attempt"])
def test_a_report_is_read_as_it_was_kept(tmp_path: Path, seconds: float, where: str) -> None:
    before, attempt = (seconds, 1.0) if where == "before" else (1.0, seconds)
    node = {"previous": {"execution_time": before}, "attempts": [{"execution_time": attempt}], "status": "success"}
    document = {"verdict": "recovered", "nodes": [node], "arguments": {"none": math.nan}}
    keep_report(tmp_path / "report.json", document)
    assert json.dumps(read_report(tmp_path / "report.json")) == json.dumps(document)
