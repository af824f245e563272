"""The click side of dbt: its parameter objects, and the set-up that its commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click
from click.core import ParameterSource
from dbt.cli import main, requires
from dbt.cli.exceptions import ExceptionExit
from dbt_common.exceptions import DbtRuntimeError

from dbt_retry_plus.dbtcore.preconditions import (
    contradictions_refused,
    levels,
    project_files_required,
    usage_errors_as_sentences,
)
from dbt_retry_plus.ledger.journal import with_json_keys
from dbt_retry_plus.recording.lines import Lines

# `dbtRunner.invoke(args, **kwargs)` marks the keywords with this instead of a ParameterSource.
_KEYWORD_SOURCE = "kwargs"


def retry_parameters() -> list[click.Parameter]:
    """Return the parameters of `dbt retry`, global flags included."""
    return list(main.retry.params)


def selection_parameters(names: Sequence[str]) -> list[click.Parameter]:
    """Return those parameters of `dbt build`, as far as this version of dbt-core has them.

    Args:
        names: dbt's names of the parameters.
    """
    return [parameter for parameter in main.build.params if parameter.name in names]


Command = Callable[..., tuple[Any, bool]]
"""What dbt runs as a command: it returns dbt's result object, and whether dbt calls it a success."""


def _as_it_is(command: Command) -> Command:
    return command


def with_upstream_setup(function: Command, around_loading: Callable[[Command], Command] = _as_it_is) -> Command:
    """Wrap a command as dbt wraps `retry`: flags, logging, tracking, profile, project and exit codes.

    Between dbt's steps are ours, for what dbt answers with a traceback.

    Args:
        function: The command.
        around_loading: A step of its own, which goes around what loads profile and project.
    """
    wrapped = function
    for step in (
        requires.runtime_config,
        requires.project,
        requires.profile,
        around_loading,
        project_files_required,
        requires.preflight,
        usage_errors_as_sentences,
        requires.postflight,
        contradictions_refused,
    ):
        wrapped = step(wrapped)
    return click.pass_context(wrapped)


@contextmanager
def silenced_console(context: click.Context) -> Iterator[None]:
    """Keep dbt's log off the console of a command whose standard output is a document; why it ends goes to stderr.

    Args:
        context: The context of our command, before dbt has set up its log.
    """
    typed = [
        level for level in levels(context) if level.get_parameter_source("log_level") is ParameterSource.COMMANDLINE
    ]
    level = typed[0] if typed else context
    level.params["log_level"] = "none"
    level.set_parameter_source("log_level", ParameterSource.ENVIRONMENT)
    try:
        yield
    except ExceptionExit as ending:
        error = ending.exception
        said = error.msg if type(error) is DbtRuntimeError else str(error)  # a refusal of ours is a sentence
        click.echo(Lines(os.environ).text_without_secrets(said), err=True)
        raise


def given_options(context: click.Context, own: frozenset[str]) -> Mapping[str, Any]:
    """Collect the options that this invocation was given, before or after the subcommand.

    Args:
        context: The context of our command.
        own: Names of options that are ours and not dbt's.

    Returns:
        Option by its dbt name; neither defaults nor environment variables are among them.
    """
    given: dict[str, Any] = {}
    for level in levels(context):
        for name, value in level.params.items():
            source = level.get_parameter_source(name)
            if name not in own and name not in given and _was_given(source):
                given[name] = with_json_keys(value) if name == "vars" else value
    return given


def _was_given(source: ParameterSource | str | None) -> bool:
    return source in (ParameterSource.COMMANDLINE, _KEYWORD_SOURCE)
