"""`dbt-retry-plus history`: the invocations on the ledger."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from dbt_retry_plus.cli.options import LEDGER, OUTPUT, PROJECT_DIR, TARGET_PATH, ledger_of, refused
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.ledger.run_results import parse_time
from dbt_retry_plus.ledger.summary import summary_of
from dbt_retry_plus.texts import in_short, table
from dbt_retry_plus.words import INTERRUPTED, SHORT_ID_LENGTH

SCHEMA = "dbt-retry-plus/history/v1"
_HEADER = ("ID", "WHEN", "COMMAND", "RESULT", "NODES", "DURATION", "RETRY OF", "RETRIED BY")


def _history(limit: int, tag: str | None, output: str, **_options: object) -> tuple[list[dict[str, Any]], bool]:
    try:
        ledger = ledger_of(click.get_current_context())
        invocations = _invocations(ledger, limit, tag)
    except RetryRefusedError as refusal:
        raise refused(refusal) from None
    if output == "json":
        click.echo(json.dumps({"schema": SCHEMA, "invocations": invocations}, indent=2))
    elif invocations:
        click.echo(table(_HEADER, [_row(invocation) for invocation in invocations]))
    else:
        click.echo(f"There are no invocations on the ledger in '{ledger.name}'. Run a dbt command that builds.")
    return invocations, True


def _invocations(ledger: LocalLedger, limit: int, tag: str | None) -> list[dict[str, Any]]:
    """The newest invocations, the newest first."""
    entries = ledger.entries()
    retried_by: dict[str, list[str]] = {}
    for entry in entries:
        if entry.retry_of is not None:
            retried_by.setdefault(entry.retry_of, []).append(entry.invocation_id)
    found = []
    wanted = [entry for entry in entries if tag is None or entry.tag == tag]
    for entry in reversed(wanted[-limit:]):
        summary = asdict(summary_of(entry))
        summary["result"] = as_of_now(summary["result"], ledger, entry.invocation_id)
        found.append({**summary, "tag": entry.tag, "retried_by": retried_by.get(entry.invocation_id, [])})
    return found


def _row(invocation: dict[str, Any]) -> tuple[str, ...]:
    duration = invocation["duration"]
    return (
        invocation["invocation_id"][:SHORT_ID_LENGTH],
        local_time(parse_time(invocation["started_at"])),
        f"dbt {invocation['command']}",
        invocation["result"],
        " ".join(f"{word}={number}" for word, number in invocation["counts"].items()),
        in_short(duration) if duration is not None else "",
        (invocation["retry_of"] or "")[:SHORT_ID_LENGTH],
        " ".join(invocation_id[:SHORT_ID_LENGTH] for invocation_id in invocation["retried_by"]),
    )


def as_of_now(result: str, ledger: LocalLedger, invocation_id: str) -> str:
    """Tell an invocation that is still running from one that was interrupted: their records look the same."""
    return "running" if result == INTERRUPTED and ledger.is_running(invocation_id) else result


def local_time(moment: datetime | None) -> str:
    """Say when something was, in the time of whoever reads it."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else ""


history = click.Command(
    "history",
    params=[
        PROJECT_DIR,
        TARGET_PATH,
        LEDGER,
        click.Option(
            ["--limit"], type=click.IntRange(min=1), default=20, show_default=True, help="How many, the newest first."
        ),
        click.Option(["--tag"], metavar="TAG", help="Only those that ran with this tag (DBT_RETRY_PLUS_TAG)."),
        OUTPUT,
    ],
    callback=_history,
    help="List the invocations on the ledger.",
)
