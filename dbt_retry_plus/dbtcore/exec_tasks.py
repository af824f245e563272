"""A dbt command as it is, but for its nodes getting the attempts that they may have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any

import click
from dbt.cli import main
from dbt.cli.exceptions import ExceptionExit, ResultExit
from dbt.task.runnable import GraphRunnableTask

from dbt_retry_plus.dbtcore.attempt_end import AttemptAccount
from dbt_retry_plus.dbtcore.attempts import AttemptingTask
from dbt_retry_plus.dbtcore.fast.piece import replaced
from dbt_retry_plus.dbtcore.operation_attempts import AttemptingOperation
from dbt_retry_plus.dbtcore.tasks import TASKS

AccountMaker = Callable[[Any], AttemptAccount]
"""Makes the account of a task's attempts, from dbt's manifest."""


def invoke_in_dbt(context: click.Context, words: Sequence[str]) -> tuple[Any, bool]:
    """Run a dbt command as if it had been typed in place of ours.

    Args:
        context: The context of our command.
        words: The command and its arguments.

    Returns:
        dbt's result object, and whether dbt calls it a success.
    """
    root = context.find_root()
    command = main.cli.commands[words[0]]
    with command.make_context(words[0], [*words[1:]], parent=root) as inner:
        try:
            result: tuple[Any, bool] = command.invoke(inner)
        except ResultExit as end:
            result = end.result, False
    return result


def what_ended(error: BaseException) -> BaseException:
    """Return what ended a command: dbt's command line puts it into an exception of its own."""
    return error.exception if isinstance(error, ExceptionExit) else error


def as_failure(results: Any) -> Exception:
    """Return what ends a command with dbt's exit code 1, and hands back its results through `dbtRunner`."""
    failure: Exception = ResultExit(results)
    return failure


@contextmanager
def attempting(make_account: AccountMaker) -> Iterator[None]:
    """Let dbt's commands make tasks whose nodes have attempts.

    dbt's commands import the class of their task as they run, so that it is replaced in its module.

    Args:
        make_account: Makes the account of each task.
    """
    with ExitStack() as stack:
        for task_class in {*TASKS.values()}:
            upstream = task_class.__mro__[1] if issubclass(task_class, AttemptingOperation) else task_class
            variant = _variant(task_class, make_account)
            stack.enter_context(replaced(import_module(upstream.__module__), upstream.__name__, variant))
        yield


def _variant(task_class: type[Any], make_account: AccountMaker) -> type[Any]:
    bases = (AttemptingTask, task_class) if issubclass(task_class, GraphRunnableTask) else (task_class,)

    def begin(self: Any, *arguments: Any, **keywords: Any) -> None:
        super(variant, self).__init__(*arguments, **keywords)
        self.set_attempts(make_account(self.manifest))

    variant: type[Any] = type(task_class.__name__, bases, {"__init__": begin})
    return variant
