"""What must hold before dbt sets a command up, said in one sentence where dbt shows a traceback or says little."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from dbt.cli.exceptions import DbtUsageException
from dbt.constants import DBT_PROJECT_FILE_NAME

from dbt_retry_plus.dbtcore.errors import as_dbt_error
from dbt_retry_plus.errors import RetryRefusedError

_Command = Callable[..., tuple[Any, bool]]

PROFILES_FILE = "profiles.yml"
_EXCLUSIVE = ("warn_error", "warn_error_options")


def levels(context: click.Context) -> Iterator[click.Context]:
    """Yield the context of a command, then that of the group which it was called through."""
    level: click.Context | None = context
    while level is not None:
        yield level
        level = level.parent


def contradictions_refused(command: _Command) -> _Command:
    """Refuse an option that is given twice, and two that exclude each other; dbt shows a traceback for either.

    Goes around all of dbt's set-up, since only there click is the one who speaks.
    """

    @wraps(command)
    def checked(context: click.Context, *arguments: Any, **options: Any) -> tuple[Any, bool]:
        by_source = [(name, level.get_parameter_source(name)) for level in levels(context) for name in level.params]
        typed = [name for name, source in by_source if source is ParameterSource.COMMANDLINE]
        twice = sorted({name for name in typed if typed.count(name) > 1})
        if twice:
            option = twice[0].replace("_", "-")
            raise click.UsageError(f"--{option} is given both before and after the command. Give it once.", context)
        if {name for name, source in by_source if source is not ParameterSource.DEFAULT}.issuperset(_EXCLUSIVE):
            raise click.UsageError("--warn-error and --warn-error-options exclude each other. Give only one.", context)
        return command(context, *arguments, **options)

    return checked


def usage_errors_as_sentences(command: _Command) -> _Command:
    """Let dbt show what it calls wrong usage as it shows its other errors, without a traceback.

    Goes right inside of what turns dbt's errors into exit codes. It is met where an option of the command
    line contradicts a flag in `dbt_project.yml`.
    """

    @wraps(command)
    def guarded(*arguments: Any, **options: Any) -> tuple[Any, bool]:
        try:
            return command(*arguments, **options)
        except DbtUsageException as error:
            raise as_dbt_error(RetryRefusedError(str(error))) from None

    return guarded


def project_files_required(command: _Command) -> _Command:
    """Refuse a folder that holds no project or no profiles, and say which folder it is and how to name another.

    Goes inside of what resolves dbt's flags, and around what loads profile and project.
    """

    @wraps(command)
    def checked(context: click.Context, *arguments: Any, **options: Any) -> tuple[Any, bool]:
        flags = context.obj["flags"]
        project, profiles = Path(flags.PROJECT_DIR).absolute(), Path(flags.PROFILES_DIR).absolute()
        if not (project / DBT_PROJECT_FILE_NAME).is_file():
            raise as_dbt_error(
                RetryRefusedError(
                    f"'{project}' is not a dbt project: it holds no {DBT_PROJECT_FILE_NAME}. "
                    "Go to the project's folder, or name it with --project-dir."
                )
            )
        if not (profiles / PROFILES_FILE).is_file():
            raise as_dbt_error(
                RetryRefusedError(
                    f"There is no {PROFILES_FILE} in '{profiles}'. "
                    "Name the folder that holds it with --profiles-dir or DBT_PROFILES_DIR."
                )
            )
        return command(context, *arguments, **options)

    return checked
