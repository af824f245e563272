"""The link from a task to the report of its retry."""

from __future__ import annotations

from typing import Any

from dbt_retry_plus.airflow.compat import BaseOperatorLink, XCom

REPORT_URL = "dbt_retry_plus_report_url"
"""The XCom that holds where the report of a try can be seen."""


class RetryReportLink(BaseOperatorLink):
    """Leads to the report of the newest try that resumed another, where the operator was told its URL."""

    name = "dbt retry report"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the URL; nothing where there is no report."""
        if getattr(operator, "report_url", REPORT_URL) is None:  # Airflow's log warns of an XCom that is not there
            return ""
        return str(XCom.get_value(key=REPORT_URL, ti_key=ti_key) or "")
