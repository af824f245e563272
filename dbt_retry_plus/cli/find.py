"""`dbt retry-plus find --tag TAG`: which invocation was run for a task of an orchestrator.

It answers in three ways, for scripts: exit code 0 and the id, 1 where none is on record, 2 where that is unknown.
"""

from __future__ import annotations

import json
import os
from typing import Any

import click

from dbt_retry_plus.cli.options import OUTPUT
from dbt_retry_plus.dbtcore.parameters import retry_parameters, silenced_console, with_upstream_setup
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.words import FOUND_SCHEMA, TAG_VARIABLE


def _run(context: click.Context, tag: str, output: str, **options: Any) -> tuple[Any, bool]:
    from dbt_retry_plus.dbtcore.errors import refusals_as_dbt_errors
    from dbt_retry_plus.execution.tagged import find_tagged

    with refusals_as_dbt_errors():
        found = find_tagged(_request(context, ledger_optional=options["ledger_optional"]), tag)
    document = {
        "schema": FOUND_SCHEMA,
        "tag": tag,
        "invocation_id": found.invocation.invocation_id if found else None,
        "started_at": found.invocation.started_at.isoformat() if found and found.invocation.started_at else None,
        "result": found.result if found else None,
        "unproven": found.unproven if found else None,
        "chain": [link.invocation_id for link in found.chain.invocations] if found else [],
    }
    if output == "json":
        click.echo(json.dumps(document))
    elif found:
        click.echo(found.invocation.invocation_id)
    return document, found is not None


def _request(context: click.Context, *, ledger_optional: bool) -> Any:
    from dbt_retry_plus.dbtcore.running import running_invocation
    from dbt_retry_plus.execution.request import RetryRequest
    from dbt_retry_plus.plugin_manager import load_plugins
    from dbt_retry_plus.settings import read_settings

    running = running_invocation()
    if running is None:
        raise RetryRefusedError("dbt has not set up this command. Run it as `dbt retry-plus find`.")
    settings = read_settings(running.project_root, os.environ)
    plugins = load_plugins(settings, running.project_root)
    flags = context.obj["flags"]
    return RetryRequest(running, settings, plugins, {}, flags, ledger_optional=ledger_optional)


_find_in_dbt = with_upstream_setup(_run)


def _find(**options: Any) -> Any:
    with silenced_console(click.get_current_context()):
        return _find_in_dbt(**options)


find = click.Command(
    "find",
    params=[
        *(parameter for parameter in retry_parameters() if parameter.name != "state"),
        click.Option(
            ["--tag"],
            required=True,
            metavar="TAG",
            help=f"What {TAG_VARIABLE} was while the invocation ran.",
        ),
        click.Option(
            ["--ledger-optional"],
            is_flag=True,
            help="Look on this machine alone when the store of the ledger cannot be reached.",
        ),
        OUTPUT,
    ],
    callback=_find,
    help="Print the id of the newest invocation that ran with a tag; exit with 1 where there is none.",
)
