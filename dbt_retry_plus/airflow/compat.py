"""Where Airflow 2.10+ and 3.x keep what is used of them."""

from __future__ import annotations

try:  # Airflow 3
    from airflow.sdk import BaseOperator, BaseOperatorLink
    from airflow.sdk.bases.decorator import DecoratedOperator, TaskDecorator, task_decorator_factory
    from airflow.sdk.definitions.context import Context, context_merge
except ImportError:
    from airflow.decorators.base import DecoratedOperator, TaskDecorator, task_decorator_factory
    from airflow.models.baseoperator import BaseOperator
    from airflow.models.baseoperatorlink import BaseOperatorLink
    from airflow.utils.context import Context, context_merge

try:
    from airflow.sdk.bases.decorator import determine_kwargs
except ImportError:
    from airflow.utils.operator_helpers import determine_kwargs

try:
    from airflow.sdk.execution_time.xcom import XCom
except ImportError:
    from airflow.models.xcom import XCom

try:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException
except ImportError:
    from airflow.exceptions import AirflowException, AirflowFailException

__all__ = [
    "AirflowException",
    "AirflowFailException",
    "BaseOperator",
    "BaseOperatorLink",
    "Context",
    "DecoratedOperator",
    "TaskDecorator",
    "XCom",
    "context_merge",
    "determine_kwargs",
    "task_decorator_factory",
]
