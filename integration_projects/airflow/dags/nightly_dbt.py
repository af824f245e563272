"""Two dbt tasks a night: a build whose retries resume where the try before failed, and a check that one task makes up.

`SHOP_DBT` names the dbt that runs them, in whichever virtual environment it is; `SHOP_PROJECT` the project's folder.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from dbt_retry_plus.airflow import DbtRetryPlusOperator

try:  # Airflow 3
    from airflow.sdk import dag, task
except ImportError:
    from airflow.decorators import dag, task

PROJECT = os.environ.get("SHOP_PROJECT", "/opt/shop")
DBT = os.environ.get("SHOP_DBT", "/opt/dbt/bin/dbt")
REPORTS = os.environ.get("SHOP_REPORTS", "/opt/reports")


@dag(
    schedule=None,
    catchup=False,
    default_args={"retries": 3, "retry_delay": timedelta(seconds=float(os.environ.get("SHOP_RETRY_DELAY", "300")))},
    params={"dbt_retry_plus_from": "failure"},
)
def nightly_dbt() -> None:
    build = DbtRetryPlusOperator(
        task_id="build",
        command="build --vars '{night: {{ run_id | tojson }}}'",
        project_dir=PROJECT,
        dbt_executable=DBT,
        execution_timeout=timedelta(hours=2),
        reports=["html:" + REPORTS + "/{{ run_id }}.html"],
        report_url="https://reports.example.com/{{ run_id }}.html",
    )

    @task.dbt_retry_plus(project_dir=PROJECT, dbt_executable=DBT)
    def check(built: dict[str, Any]) -> list[str]:
        # What the build returned says how it came about.
        return ["test", "--select", "revenue", *(["--store-failures"] if built["resumed"] else [])]

    check(build.output)


nightly_dbt()
