"""`dbt-retry-plus plugins`: what is loaded in a retry, and what is not."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from dbt_retry_plus.cli.options import OUTPUT, PROJECT_DIR, given, refused
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.location import find_project
from dbt_retry_plus.plugin_manager import PluginInfo, load_plugins
from dbt_retry_plus.settings import Settings, read_settings
from dbt_retry_plus.texts import one_line, table

SCHEMA = "dbt-retry-plus/plugins/v1"
_HEADER = ("NAME", "FROM", "VERSION", "STATE", "HOOKS")


def _plugins(output: str, **_options: object) -> tuple[list[dict[str, Any]], bool]:
    try:
        root = _project_root()
        settings = read_settings(root, os.environ) if root else Settings()
        infos = load_plugins(settings, root).infos
    except RetryRefusedError as refusal:
        raise refused(refusal) from None
    listed = [asdict(info) for info in infos]
    if output == "json":
        click.echo(json.dumps({"schema": SCHEMA, "plugins": listed}, indent=2))
    else:
        click.echo(table(_HEADER, [_row(info) for info in infos]))
    return listed, True


def _project_root() -> Path | None:
    """The project that settings come from; without one, the plugins that are installed are listed all the same."""
    named = given(click.get_current_context(), "project_dir")
    try:
        return find_project(named, os.environ)
    except RetryRefusedError:
        if named:
            raise
        return None


def _row(info: PluginInfo) -> tuple[str, ...]:
    state = "disabled" if info.disabled else one_line(info.problem) if info.problem else "loaded"
    origin = f"{info.origin}: {info.distribution}" if info.distribution else info.origin
    hooks = " ".join(hook.removeprefix("retry_plus_") for hook in info.hooks)
    return info.name, origin, info.version or "", state, hooks


plugins = click.Command(
    "plugins",
    params=[PROJECT_DIR, OUTPUT],
    callback=_plugins,
    help="List the plugins, with the hooks that each implements, in the order in which they are called.",
)
