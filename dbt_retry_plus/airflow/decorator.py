"""`@task.dbt_retry_plus`: a function that returns the dbt command of a task."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

from dbt_retry_plus.airflow.compat import (
    Context,
    DecoratedOperator,
    TaskDecorator,
    context_merge,
    determine_kwargs,
    task_decorator_factory,
)
from dbt_retry_plus.airflow.operator import DbtRetryPlusOperator


class _DbtRetryPlusDecoratedOperator(DecoratedOperator, DbtRetryPlusOperator):
    """Runs the dbt command that a function returns."""

    template_fields: Sequence[str] = (
        *DecoratedOperator.template_fields,
        *(field for field in DbtRetryPlusOperator.template_fields if field != "command"),
    )
    custom_operator_name: ClassVar[str] = "@task.dbt_retry_plus"

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("multiple_outputs", None)  # what it returns is one thing
        super().__init__(
            python_callable=python_callable,
            op_args=op_args,
            op_kwargs=op_kwargs,
            multiple_outputs=False,
            command="",
            **kwargs,
        )

    def execute(self, context: Context) -> Any:
        """Ask the function for the command, and run it or resume it."""
        context_merge(context, self.op_kwargs)
        arguments = determine_kwargs(self.python_callable, self.op_args, context)
        self.command = self.render_template(self.python_callable(*self.op_args, **arguments), context)
        return super().execute(context)


def dbt_retry_plus_task(python_callable: Callable[..., Any] | None = None, **kwargs: Any) -> TaskDecorator:
    """Make a task of a function that returns a dbt command, as text or as a list of words.

    Args:
        python_callable: The function.
        **kwargs: What `DbtRetryPlusOperator` takes, without `command`.
    """
    return task_decorator_factory(
        python_callable=python_callable,
        decorated_operator_class=_DbtRetryPlusDecoratedOperator,
        **kwargs,
    )
