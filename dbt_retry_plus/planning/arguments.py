"""Which arguments a retry runs with: the recorded ones, with this command line's on top."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.planning.options import TREATMENT, Treatment, about_the_retry, as_typed, of_this_command
from dbt_retry_plus.types import EffectiveArguments, Invocation
from dbt_retry_plus.words import STRUCK_OUT

# dbt refuses these two together, so the one given now replaces the one recorded.
_EXCLUSIVE = {"warn_error": "warn_error_options", "warn_error_options": "warn_error"}

# A project can be in another folder, or on another machine, by now.
_PATHS = frozenset({"defer_state", "deprecated_state", "partial_parse_file_path", "state"})

# What the user typed, kept by dbt for people to read.
_NEVER_READ = frozenset({"invocation_command"})


def effective_arguments(
    invocation: Invocation,
    given: Mapping[str, Any],
    this_command: Mapping[str, Any],
    accepted: frozenset[str],
    *,
    replace_vars: bool = False,
) -> EffectiveArguments:
    """Lay what was given on this command line over what the original command ran with.

    Args:
        invocation: The original invocation.
        given: Options given on this command line (or as keywords of `dbtRunner.invoke`).
        this_command: Resolved values of all options of this command.
        accepted: Names of the options that the original command has.
        replace_vars: Whether `--vars` replaces the recorded mapping; it is merged otherwise.

    Raises:
        RetryRefusedError: An option was given that the original command does not have.
    """
    values = {
        name: _in_this_project(value, invocation.arguments.get("project_dir")) if name in _PATHS else value
        for name, value in invocation.arguments.items()
        if not of_this_command(name)
    }
    sources = dict.fromkeys(values, "recorded")
    for name, value in this_command.items():
        if of_this_command(name) and value is not None:
            values[name], sources[name] = value, "this command"
    for name, value in given.items():
        if of_this_command(name) or about_the_retry(name):
            continue
        if name not in accepted:
            raise RetryRefusedError(
                f"`dbt {invocation.command_line_name}`, the command to retry, has no option "
                f"{as_typed(name)}. Leave it out."
            )
        for excluded in (name, _EXCLUSIVE.get(name, name)):
            if excluded != name:
                values.pop(excluded, None)
                sources.pop(excluded, None)
        recorded = values.get(name)
        merged = TREATMENT.get(name) is Treatment.MERGED and not replace_vars
        if merged and isinstance(recorded, dict):
            values[name], sources[name] = {**recorded, **value}, "merged"
        else:
            values[name], sources[name] = value, "command line"
    return EffectiveArguments(invocation.command, values, sources)


def _in_this_project(recorded: Any, project_dir: object) -> Any:
    """Name a path inside the project's folder of then from the project's folder, wherever that is now."""
    if not (isinstance(recorded, str) and isinstance(project_dir, str) and project_dir):
        return recorded
    path, folder = PurePath(recorded), PurePath(project_dir)
    inside = path.is_absolute() and folder.is_absolute() and path.is_relative_to(folder)
    return str(path.relative_to(folder)) if inside else recorded


def check_recorded(invocation: Invocation, given: Mapping[str, Any], *, replace_vars: bool = False) -> None:
    """Refuse to run with a value that was not recorded because it holds a secret of the environment.

    Args:
        invocation: The original invocation.
        given: Options given on this command line: they replace what is missing.
        replace_vars: Whether `--vars` replaces the recorded mapping; otherwise the vars that it lacks stay.

    Raises:
        RetryRefusedError: An option has such a value and was not given anew.
    """
    for name, value in invocation.arguments.items():
        if name in _NEVER_READ or STRUCK_OUT not in str(value):
            continue
        what = "" if name in given else as_typed(name)
        if name == "vars" and isinstance(value, dict) and not replace_vars:
            missing = [var for var, held in value.items() if _struck(var, held) and var not in (given.get(name) or {})]
            what = f"--vars ({', '.join(map(str, missing))})" if missing else ""
        if what:
            raise RetryRefusedError(
                f"The {what} of {invocation.title} held "
                "a secret of its environment, which is not recorded. Give that option again."
            )


def _struck(name: object, value: object) -> bool:
    return STRUCK_OUT in str(name) or STRUCK_OUT in str(value)
