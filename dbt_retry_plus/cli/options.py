"""Options that the commands without dbt share, named as dbt names them."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import click

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.ledger.location import find_ledger
from dbt_retry_plus.setting_kinds import switch
from dbt_retry_plus.store_url import is_url

PROJECT_DIR = click.Option(
    ["--project-dir"], metavar="DIRECTORY", help="The folder of dbt_project.yml. Default: this one or one above it."
)
TARGET_PATH = click.Option(["--target-path"], metavar="DIRECTORY", help="The folder of dbt's artifacts.")
LEDGER = click.Option(
    ["--ledger"],
    metavar="URL",
    help="Read this ledger, of all projects in it: the URL of a store, or a folder. No project is needed.",
)
OUTPUT = click.Option(
    ["--output"],
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people, or one JSON document.",
)


class CommandRefusedError(click.UsageError):
    """Exit code 2, as for all that cannot run, and nothing but the sentence that says why."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentence."""
        click.echo(self.format_message(), file=file, err=file is None)


def ledger_of(context: click.Context) -> LocalLedger:
    """Find the ledger that the options of a command, given before or after its name, mean.

    What is in a store is fetched into a folder that is gone when the command has ended.

    Raises:
        RetryRefusedError: There is no project, or its target folder can only be told by dbt; or the store cannot be
            reached.
    """
    named = given(context, "ledger")
    if named and is_url(named):
        from dbt_retry_plus.ledger.browsing import fetched_ledger

        folder = tempfile.TemporaryDirectory(prefix="dbt-retry-plus-")
        context.call_on_close(folder.cleanup)
        return fetched_ledger(named, Path(folder.name), os.environ, _warn)
    if named:
        return LocalLedger(Path(named))
    return find_ledger(given(context, "project_dir"), given(context, "target_path"), os.environ)


def _warn(sentence: str) -> None:
    click.echo(f"dbt-retry-plus: {sentence}", err=True)


def refused(refusal: RetryRefusedError) -> CommandRefusedError:
    """Make of a refusal the error that click prints and exits with 2 for."""
    return CommandRefusedError(str(refusal))


def in_colours(context: click.Context, environment: Mapping[str, str]) -> bool:
    """Tell whether stdout gets colours: as dbt's option or variable says, and else where it is a terminal."""
    wanted = given(context, "use_colors") or environment.get("DBT_USE_COLORS")
    try:
        return switch(wanted)
    except ValueError:
        return sys.stdout.isatty()


def given(context: click.Context, name: str) -> str | None:
    """Return the value of an option that was given, before or after the name of the command."""
    level: click.Context | None = context
    while level is not None:
        value = level.params.get(name)
        if value is not None and level.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE:
            return str(value)
        level = level.parent
    return None
