"""`dbt-retry-plus show ID`: one invocation, and the chain that it is part of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from dbt_retry_plus.cli.history import as_of_now, local_time
from dbt_retry_plus.cli.options import LEDGER, OUTPUT, PROJECT_DIR, TARGET_PATH, ledger_of, refused
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.find import records_on
from dbt_retry_plus.ledger.summary import result_of
from dbt_retry_plus.planning.chain import all_outcomes
from dbt_retry_plus.texts import one_line, table
from dbt_retry_plus.types import Chain, Invocation, Outcome

SCHEMA = "dbt-retry-plus/invocation/v1"


def _show(invocation_id: str, output: str, **_options: object) -> tuple[dict[str, Any], bool]:
    try:
        ledger = ledger_of(click.get_current_context())
        records = records_on(ledger)
        wanted = records.id_of(invocation_id)
        chain = records.chain(wanted)
    except RetryRefusedError as refusal:
        raise refused(refusal) from None
    invocation = next((link for link in chain.invocations if link.invocation_id == wanted), chain.latest)
    document = _document(invocation, chain, as_of_now(result_of(invocation), ledger, wanted))
    if output == "json":
        click.echo(json.dumps(document, indent=2, default=str))
    else:
        click.echo("\n".join(_lines(invocation, chain, document)))
    return document, True


def _document(invocation: Invocation, chain: Chain, result: str) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "invocation_id": invocation.invocation_id,
        "command": invocation.command_line_name,
        "started_at": invocation.started_at.isoformat() if invocation.started_at else None,
        "duration": invocation.duration,
        "result": result,
        "error": invocation.error,
        "dbt_version": invocation.dbt_version,
        "project": invocation.project,
        "profile": invocation.profile,
        "target": invocation.target,
        "host": invocation.host,
        "process_id": invocation.process_id,
        "arguments": dict(invocation.arguments),
        "outcomes": [_outcome(outcome) for outcome in all_outcomes(invocation).values()],
        "chain": [link.invocation_id for link in chain.invocations],
        "unproven": sorted(outcome.unique_id for outcome in chain.outcomes.values() if not outcome.proven),
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "unique_id": outcome.unique_id,
        "status": outcome.status,
        "execution_time": outcome.execution_time,
        "message": outcome.message,
    }


def _lines(invocation: Invocation, chain: Chain, document: dict[str, Any]) -> Iterator[str]:
    yield f"{invocation.invocation_id}: dbt {invocation.command_line_name}, {document['result']}"
    yield f"  started   {local_time(invocation.started_at)}"
    if invocation.duration is not None:
        yield f"  took      {invocation.duration:.1f} s"
    yield f"  with      dbt-core {invocation.dbt_version}, target {one_line(str(invocation.target))}"
    yield f"  chain     {' → '.join(link.short_id for link in chain.invocations)}"
    yield f"  unproven  {len(document['unproven'])} of {len(chain.outcomes)} in the whole chain"
    if invocation.error:
        yield f"  error     {one_line(invocation.error)}"
    yield "  arguments"
    for name, value in sorted(invocation.arguments.items()):
        if value not in ([], {}, None, False):
            yield f"    {one_line(name)}: {one_line(json.dumps(value, default=str))}"
    yield ""
    rows = [
        (row["status"], row["unique_id"], f"{row['execution_time']:.1f} s", one_line(row["message"] or "", 80))
        for row in document["outcomes"]
    ]
    yield table(("STATUS", "NODE", "TIME", "MESSAGE"), rows)


show = click.Command(
    "show",
    params=[click.Argument(["invocation_id"], metavar="ID"), PROJECT_DIR, TARGET_PATH, LEDGER, OUTPUT],
    callback=_show,
    help="Show one invocation: its outcomes, its arguments and its chain.",
)
