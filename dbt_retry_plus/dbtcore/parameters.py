"""The click side of dbt: its parameter objects, and the set-up that its commands share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click
from click.core import ParameterSource
from dbt.cli import main, requires

from dbt_retry_plus.dbtcore.preconditions import (
    contradictions_refused,
    levels,
    project_files_required,
    usage_errors_as_sentences,
)

# `dbtRunner.invoke(args, **kwargs)` marks the keywords with this instead of a ParameterSource.
_KEYWORD_SOURCE = "kwargs"


def retry_parameters() -> list[click.Parameter]:
    """Return the parameters of `dbt retry`, global flags included."""
    return list(main.retry.params)


def with_upstream_setup(function: Callable[..., tuple[Any, bool]]) -> Callable[..., tuple[Any, bool]]:
    """Wrap a command as dbt wraps `retry`: flags, logging, tracking, profile, project and exit codes.

    Between dbt's steps are ours, for what dbt answers with a traceback.
    """
    wrapped = function
    for step in (
        requires.runtime_config,
        requires.project,
        requires.profile,
        project_files_required,
        requires.preflight,
        usage_errors_as_sentences,
        requires.postflight,
        contradictions_refused,
    ):
        wrapped = step(wrapped)
    return click.pass_context(wrapped)


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
                given[name] = value
    return given


def _was_given(source: ParameterSource | str | None) -> bool:
    return source in (ParameterSource.COMMANDLINE, _KEYWORD_SOURCE)
