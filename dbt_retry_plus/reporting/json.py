"""Reports for programs: the document that `report.schema.json` describes."""

from __future__ import annotations

import json
from collections.abc import Iterable

from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.reporting.document import report_document, storable
from dbt_retry_plus.types import ReportFormat, RetryReport


def render(report: RetryReport) -> str:
    """Render a report as one JSON document, in ASCII."""
    return json.dumps(storable(report_document(report)), indent=2, default=str) + "\n"


@hookimpl
def retry_plus_report_formats() -> Iterable[ReportFormat]:
    """Add this format."""
    return [ReportFormat("json", ".json", render)]
