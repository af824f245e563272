"""`dbt retry-plus exec -- build …`: a dbt command whose nodes get more than one attempt from the start."""

from __future__ import annotations

from typing import Any

import click

from dbt_retry_plus.cli.attempt_options import attempt_options
from dbt_retry_plus.cli.report_option import report_option
from dbt_retry_plus.commands import COMMAND_NAMES, RETRYABLE_COMMANDS

_COMMANDS = sorted(COMMAND_NAMES.get(command, command) for command in RETRYABLE_COMMANDS)


def _exec(words: tuple[str, ...], **options: Any) -> tuple[Any, bool]:
    from dbt_retry_plus.execution.exec import run_with_attempts

    context = click.get_current_context()
    if words[0] not in _COMMANDS and " ".join(words[:2]) not in _COMMANDS:
        raise click.UsageError(
            f"`{' '.join(words[:2])}` executes no nodes. Name one of: {', '.join(_COMMANDS)}.", context
        )
    return run_with_attempts(context, words, options)


exec_command = click.Command(
    "exec",
    params=[
        *attempt_options(),
        report_option("the command"),
        click.Option(["-p", "--plugin", "plugin"], multiple=True, metavar="NAME", help="Load this plugin too."),
        click.Option(["--no-plugin", "no_plugin"], multiple=True, metavar="NAME", help="Leave this plugin out."),
        click.Argument(["words"], nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND [ARGS]..."),
    ],
    callback=_exec,
    context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False},
    help="Run a dbt command, and execute nodes again that fail with an error that passes.",
)
