"""dbt's flags for the command to retry, made from values and never from a command line.

`dbt retry` turns recorded values into text and parses it again, which loses nulls, newlines, quotes and
backslashes, and breaks on options without a negative form. Here the values go where click would put them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import click
from click.core import ParameterSource
from dbt.cli import main
from dbt.cli.flags import FLAGS_DEFAULTS, Flags
from dbt.cli.option_types import YAML
from dbt.cli.options import MultiOption
from dbt.flags import get_flags, set_flags

from dbt_retry_plus.dbtcore.preconditions import levels
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.planning.options import variable_may_win
from dbt_retry_plus.types import EffectiveArguments

_COMMAND_PATHS = {"generate": ("docs", "generate"), "freshness": ("source", "freshness")}


def current_values() -> dict[str, Any]:
    """Return the resolved flags of the running command by lower-case name."""
    return {name: value for name, value in vars(get_flags()).items() if name.islower()}


def accepted_options(command: str) -> frozenset[str]:
    """Return the names of the options that a dbt command takes, global ones included.

    Args:
        command: dbt's `which`.
    """
    leaf = _command_named(command)
    return frozenset(parameter.name for parameter in [*main.cli.params, *leaf.params] if parameter.name)


def activate_flags(arguments: EffectiveArguments) -> tuple[Flags, EffectiveArguments]:
    """Make the arguments the flags of this process, as if the original command had been typed again.

    Returns:
        The flags, and the arguments with what the environment says today in place of what it said then.

    Raises:
        RetryRefusedError: A recorded value, or an environment variable, is not one that the option takes.
    """
    try:
        context = _context(arguments)
    except click.UsageError as error:
        raise RetryRefusedError(
            f"`dbt {arguments.command}` cannot be set up as it was: {error.format_message()} "
            "Give that option anew, or mend the environment variable that it comes from."
        ) from None
    flags = Flags(ctx=context)
    _fire_deprecations(flags, context)
    set_flags(flags)
    return flags, _with_environment(arguments, context)


def _fire_deprecations(flags: Flags, context: click.Context) -> None:
    # dbt-core 1.10 added the parameter; what it does without it is older than that.
    if "ctx" in Flags.fire_deprecations.__code__.co_varnames:
        flags.fire_deprecations(ctx=context)
    else:
        flags.fire_deprecations()


def _command_named(command: str) -> click.Command:
    found: Any = main.cli
    for name in _COMMAND_PATHS.get(command, (command,)):
        found = found.commands[name]
    leaf: click.Command = found
    return leaf


def _context(arguments: EffectiveArguments) -> click.Context:
    root_command, leaf_command = main.cli, _command_named(arguments.command)
    # A group without a subcommand prints its help and exits: name one, it is not invoked.
    root = root_command.make_context(root_command.name, [arguments.command])
    leaf = leaf_command.make_context(
        arguments.command,
        [*_existing_folders(leaf_command, arguments.values), *_positional(leaf_command, arguments.values)],
    )
    leaf.parent = root
    for name, value in arguments.values.items():
        if _is_default(name, value):
            continue
        for level in (root, leaf):
            parameter = next((p for p in level.command.params if p.name == name), None)
            if parameter is not None and not isinstance(parameter, click.Argument):
                if arguments.sources.get(name) != "recorded" or not _is_overridden_by_environment(level, name):
                    _put(level, parameter, value)
                break  # dbt refuses an option that is given both before and after the subcommand
    return leaf


def _with_environment(arguments: EffectiveArguments, leaf: click.Context) -> EffectiveArguments:
    values, sources = dict(arguments.values), dict(arguments.sources)
    for level in levels(leaf):
        for name, value in level.params.items():
            if sources.get(name) == "recorded" and _is_overridden_by_environment(level, name):
                values[name], sources[name] = value, "environment"
    return EffectiveArguments(arguments.command, values, sources)


def _existing_folders(command: click.Command, values: Mapping[str, Any]) -> list[str]:
    # click checks that these exist even where they are defaults, which another working folder may lack.
    names = {parameter.name for parameter in command.params}
    return [
        f"--{name.replace('_', '-')}={values[name]}"
        for name in ("project_dir", "profiles_dir")
        if name in names and values.get(name)
    ]


def _positional(command: click.Command, values: Mapping[str, Any]) -> list[str]:
    names = [parameter.name for parameter in command.params if isinstance(parameter, click.Argument)]
    present = [str(values[name]) for name in names if name and values.get(name) is not None]
    return ["--", *present] if present else []


def _is_default(name: str, value: Any) -> bool:
    # As `dbt retry` has it: recorded defaults leave room for environment variables and project flags.
    upper = name.upper()
    if value is None or (upper in FLAGS_DEFAULTS and value == FLAGS_DEFAULTS[upper]):
        return True
    return (isinstance(value, (list, tuple)) and not value) or _is_empty_warn_error_options(name, value)


def _is_overridden_by_environment(context: click.Context, name: str) -> bool:
    return variable_may_win(name) and context.get_parameter_source(name) is ParameterSource.ENVIRONMENT


def _is_empty_warn_error_options(name: str, value: Any) -> bool:
    # Given, even empty options exclude --warn-error.
    return name == "warn_error_options" and isinstance(value, dict) and not any(value.values())


def _put(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    name = str(parameter.name)
    context.params[name] = _typed(context, parameter, value)
    context.set_parameter_source(name, ParameterSource.COMMANDLINE)


def _typed(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Turn a recorded value, which went through JSON, into what click would have made of the option."""
    if isinstance(parameter, MultiOption):
        return tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if isinstance(value, dict) and type(parameter.type) is YAML:
        return value
    if isinstance(value, dict):
        # --warn-error-options, --sqlparse and --sample make objects of dbt's own from a text that holds names,
        # numbers and times only.
        return parameter.type.convert(json.dumps(value), parameter, context)
    if isinstance(value, PurePath):
        value = str(value)
    if isinstance(value, (str, int, float, bool)):
        return parameter.type.convert(value, parameter, context)
    return value
