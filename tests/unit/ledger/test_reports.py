"""A report on the ledger is whole, or not there."""

from __future__ import annotations

from pathlib import Path

from dbt_retry_plus.ledger.reports import read_report


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
