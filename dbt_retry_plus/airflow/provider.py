"""What Airflow asks of a distribution that extends it."""

from __future__ import annotations

from typing import Any

_PLACE = "dbt_retry_plus.airflow"


def get_provider_info() -> dict[str, Any]:
    """Describe the decorator and the link, in the words of Airflow's `provider_info.schema.json`."""
    return {
        "package-name": "dbt-retry-plus",
        "name": "dbt retry-plus",
        "description": "Runs dbt, and finishes in its retries what the try before left unproven.",
        "task-decorators": [{"name": "dbt_retry_plus", "class-name": f"{_PLACE}.decorator.dbt_retry_plus_task"}],
        "extra-links": [f"{_PLACE}.links.RetryReportLink"],
    }
