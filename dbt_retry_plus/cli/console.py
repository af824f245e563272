"""The script `dbt-retry-plus`, for interpreters where no startup file runs and for commands without dbt.

`dbt-retry-plus ARGS…` means `dbt retry-plus ARGS…`, unless its first word is one of the commands below.
"""

from __future__ import annotations

import importlib
import sys
from typing import NoReturn

import click

from dbt_retry_plus.cli.without_dbt import COMMANDS_WITHOUT_DBT, imported_command
from dbt_retry_plus.startup import COMMAND, DBT_CLI_MODULE, SCRIPT
from dbt_retry_plus.startup.registration import register

HELP_OPTIONS = frozenset({"-h", "--help"})
VERSION_OPTIONS = frozenset({"-V", "-v", "--version"})


def main() -> NoReturn:
    """Run the command that `sys.argv` names, and exit with its exit code."""
    arguments = sys.argv[1:]
    first = arguments[0] if arguments else ""
    if first in COMMANDS_WITHOUT_DBT:
        imported_command(first).main(args=arguments[1:], prog_name=f"{SCRIPT} {first}")
    elif first in HELP_OPTIONS:
        _print_help()
    elif first in VERSION_OPTIONS:
        _print_versions()
    else:
        _run_in_dbt(arguments)
    sys.exit(0)


def _run_in_dbt(arguments: list[str]) -> None:
    # dbt reads sys.argv too, for its logs and its recorded command: it shall see what it would have seen.
    sys.argv[1:] = [COMMAND, *arguments]
    _dbt_group().main(args=[COMMAND, *arguments], prog_name="dbt")


def _print_help() -> None:
    group = _dbt_group()
    parent = click.Context(group, info_name="dbt", **group.context_settings)
    command = group.get_command(parent, COMMAND)
    if command is None:
        sys.exit(2)  # why is on stderr already
    context = click.Context(command, info_name=COMMAND, parent=parent, **command.context_settings)
    click.echo(command.get_help(context))


def _print_versions() -> None:
    from importlib.metadata import version

    import dbt_retry_plus

    click.echo(f"{SCRIPT} {dbt_retry_plus.__version__} (dbt-core {version('dbt-core')})")


def _dbt_group() -> click.Group:
    dbt_cli_module = importlib.import_module(DBT_CLI_MODULE)
    # The startup file has done this already, unless it was turned off or the interpreter ran without site.
    register(dbt_cli_module)
    group: click.Group = dbt_cli_module.cli
    return group
