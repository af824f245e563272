"""What the tests need besides the example."""

from __future__ import annotations

import os
from datetime import timedelta

from dbt_retry_plus.airflow import DbtRetryPlusOperator

try:  # Airflow 3
    from airflow.sdk import dag
except ImportError:
    from airflow.decorators import dag

PROJECT, DBT = os.environ.get("SHOP_PROJECT", "/opt/shop"), os.environ.get("SHOP_DBT", "dbt")


@dag(schedule=None, catchup=False, default_args={"retries": 3, "retry_delay": timedelta(seconds=4)})
def late_dbt() -> None:
    """The first try of one task takes too long; another one is mapped."""
    DbtRetryPlusOperator(
        task_id="slow",
        command="build --select slow",
        project_dir=PROJECT,
        dbt_executable=DBT,
        execution_timeout=timedelta(seconds=40),
    )


@dag(schedule=None, catchup=False)
def mapped_dbt() -> None:
    DbtRetryPlusOperator.partial(
        task_id="mapped", project_dir=PROJECT, dbt_executable=DBT, env={"DBT_LOG_PATH": "/tmp"}
    ).expand(command=["compile --select orders", ["compile", "--select", "payments"]])


late_dbt()
mapped_dbt()
