"""Offer the entry points of the group `dbt.cli.commands` as commands of dbt's click group.

This is click's lazy-loading pattern: `get_command` and `list_commands` are overridden, so that dbt's own
commands stay as fast as they were. Entry points are looked for only when dbt does not know a command, and
when it lists its commands for help.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, cast

import click

from dbt_retry_plus.startup.entry_points import OfferedCommands


class EntryPointGroup(click.Group):
    """A click group that also offers the commands of installed distributions.

    A command of its own always comes first: nothing installed can take the place of `dbt run`.
    """

    offered: OfferedCommands
    leave: Callable[[SystemExit], None] | None = None  # set by a command that knows how its process can end sooner

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run as click does, and let a command that asked for it end the process."""
        try:
            return super().main(*arguments, **options)
        except SystemExit as ending:
            if self.leave is not None:
                self.leave(ending)
            raise
        finally:
            self.leave = None

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the group's own command of that name, else the one that a distribution offers."""
        return super().get_command(ctx, cmd_name) or self.offered.load(cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the group's own commands and of those that distributions offer."""
        own = super().list_commands(ctx)
        self.offered.report_shadowed(own)
        return sorted({*own, *self.offered.names()})


def register(dbt_cli_module: ModuleType) -> None:
    """Have the click group of the imported module `dbt.cli.main` offer entry points as commands.

    Never raises: a dbt whose command line is built in another way works on without our commands.
    """
    try:
        _offer_entry_points(getattr(dbt_cli_module, "cli", None))
    except Exception:
        return


def _offer_entry_points(group: object) -> None:
    if not isinstance(group, click.Group) or hasattr(group, "offered"):
        return
    # The group exists already, with dbt's commands in it and other modules holding it: it changes its class.
    own_class = type(group)
    subclass = type(own_class.__name__, (EntryPointGroup, own_class), {"__doc__": own_class.__doc__})
    extended = cast("EntryPointGroup", group)
    extended.__class__ = cast("type[EntryPointGroup]", subclass)
    extended.offered = OfferedCommands()
