"""The commands that answer without importing dbt, which takes seconds."""

from __future__ import annotations

from collections.abc import Mapping
from pkgutil import resolve_name
from types import MappingProxyType
from typing import Final

import click

COMMANDS_WITHOUT_DBT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "demo": "dbt_retry_plus.cli.demo:demo",
        "plugins": "dbt_retry_plus.cli.plugins:plugins",
        "history": "dbt_retry_plus.cli.history:history",
        "job": "dbt_retry_plus.cli.job:job",
        "report": "dbt_retry_plus.cli.report:report",
        "show": "dbt_retry_plus.cli.show:show",
    }
)
"""Name to `module:click command`."""


COMMANDS_IN_DBT: Final[Mapping[str, str]] = MappingProxyType(
    {"exec": "dbt_retry_plus.cli.exec:exec_command", "find": "dbt_retry_plus.cli.find:find"}
)
"""The subcommands that start dbt; they too are imported when they are called."""


def imported_command(name: str) -> click.Command:
    """Import and return one of them."""
    command: click.Command = resolve_name({**COMMANDS_WITHOUT_DBT, **COMMANDS_IN_DBT}[name])
    return command


class RetryPlusGroup(click.Group):
    """`dbt retry-plus`: a command of its own, and the door to the others, which are imported when they are called."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the parameters, those that plugins add included."""
        from dbt_retry_plus.cli.plugin_options import plugin_options

        own = super().get_params(ctx)
        return [*own, *plugin_options(ctx, {str(parameter.name) for parameter in own})]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands."""
        return sorted({*super().list_commands(ctx), *COMMANDS_WITHOUT_DBT, *COMMANDS_IN_DBT})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the subcommand of that name."""
        if cmd_name in COMMANDS_WITHOUT_DBT or cmd_name in COMMANDS_IN_DBT:
            return imported_command(cmd_name)
        return super().get_command(ctx, cmd_name)
