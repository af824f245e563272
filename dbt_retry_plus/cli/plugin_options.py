"""The options that plugins add to `dbt retry-plus`."""

from __future__ import annotations

import os
from collections.abc import Set as AbstractSet

import click

from dbt_retry_plus.errors import RetryRefusedError

_KEPT = __name__


def plugin_options(context: click.Context, taken: AbstractSet[str]) -> list[click.Parameter]:
    """Return the options that installed plugins add; one that cannot be had is named on stderr, and left out.

    Args:
        context: The context of the command; plugins are asked once in it.
        taken: Names of parameters that are there already.
    """
    if _KEPT not in context.meta:
        context.meta[_KEPT] = _free(taken)
    return [*context.meta[_KEPT]]


def _free(taken: AbstractSet[str]) -> list[click.Parameter]:
    options: list[click.Parameter] = []
    for plugin, option in _offered():
        if option.name in taken or any(option.name == other.name for other in options):
            _report(f"the plugin {plugin} adds the option --{option.name}, which is taken; it is left out")
        else:
            options.append(option)
    return options


def _offered() -> tuple[tuple[str, click.Option], ...]:
    from dbt_retry_plus.plugin_sources import installed

    if not any(installed()):  # the common case, and click asks in each invocation of dbt's command line
        return ()
    from dbt_retry_plus.plugin_manager import plugins_of_environment

    try:
        plugins = plugins_of_environment(os.environ)
    except RetryRefusedError:  # said with all else, once there is a project
        return ()
    offered, findings = plugins.contribute("retry_plus_options", click.Option)
    for finding in findings:
        _report(finding.message)
    return tuple(offered)


def _report(fault: str) -> None:
    click.echo(f"dbt-retry-plus: {fault}", err=True)
