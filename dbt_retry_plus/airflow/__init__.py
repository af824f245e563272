"""`dbt retry-plus` in Airflow: an operator and a decorator whose retries resume what the try before left unproven.

Nothing here imports dbt, which may live in another virtual environment than Airflow; nothing elsewhere imports Airflow.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dbt_retry_plus.airflow.decorator import dbt_retry_plus_task
    from dbt_retry_plus.airflow.links import RetryReportLink
    from dbt_retry_plus.airflow.operator import DbtRetryPlusOperator

__all__ = ["DbtRetryPlusOperator", "RetryReportLink", "dbt_retry_plus_task"]


def __getattr__(name: str) -> object:
    """Import Airflow only for those who want an operator: the rest of this folder does without."""
    if name == "DbtRetryPlusOperator":
        from dbt_retry_plus.airflow.operator import DbtRetryPlusOperator

        return DbtRetryPlusOperator
    if name == "RetryReportLink":
        from dbt_retry_plus.airflow.links import RetryReportLink

        return RetryReportLink
    if name == "dbt_retry_plus_task":
        from dbt_retry_plus.airflow.decorator import dbt_retry_plus_task

        return dbt_retry_plus_task
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
