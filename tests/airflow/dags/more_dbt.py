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
        command="build --select before_slow slow",
        project_dir=PROJECT,
        dbt_executable=DBT,
        env={"SHOP_SLOW": "{{ 'yes' }}"},
        execution_timeout=timedelta(seconds=45),
    )


@dag(schedule=None, catchup=False, default_args={"retries": 3, "retry_delay": timedelta(seconds=25)})
def killed_dbt() -> None:
    """Nothing but a signal ends it."""
    DbtRetryPlusOperator(
        task_id="endless",
        command="build --select before_slow slow",
        project_dir=PROJECT,
        dbt_executable=DBT,
        env={"SHOP_SLOW": "yes"},
    )


@dag(schedule=None, catchup=False)
def mapped_dbt() -> None:
    DbtRetryPlusOperator.partial(task_id="mapped", project_dir=PROJECT, dbt_executable=DBT).expand(
        command=[
            "compile --select orders --target-path one",
            ["compile", "--select", "revenue", "--target-path", "two"],
        ]
    )


late_dbt()
killed_dbt()
mapped_dbt()
