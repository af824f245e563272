"""A check that can stop a retry, with its option and settings; a change that dbt does not see; an error; a webhook."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import datetime, time, timezone
from typing import Any

import click

from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.types import Change, ComparedRetry, Finding, FoundRetry, NodeError, PlannedRetry, PluginSettings
from dbt_retry_plus.words import ErrorClass, Severity

NAME = "night-shift"


@hookimpl
def retry_plus_options() -> list[click.Option]:
    """Let a person on call retry within the freeze window."""
    return [click.Option(["--emergency"], is_flag=True, help="Retry within the freeze window.")]


@hookimpl
def retry_plus_settings() -> list[PluginSettings]:
    """Name the settings, so that a wrong one is refused."""
    return [PluginSettings(NAME, {"freeze": dict, "inputs": dict, "webhook": str}, {"inputs": {}})]


@hookimpl
def retry_plus_check_record(retry: FoundRetry) -> Iterator[Finding]:
    """Stop a retry within the freeze window."""
    window = _settings(retry).get("freeze")
    if window and not retry.options.get("emergency") and _is_within(retry.now, window["from"], window["until"]):
        yield Finding(
            Severity.ERROR,
            "freeze-window",
            f"Nothing is built between {window['from']} and {window['until']} UTC.",
            "Wait until then, or pass --emergency.",
            passable=True,
        )


@hookimpl
def retry_plus_compare(retry: ComparedRetry) -> Iterator[Change]:
    """Tell of files that models read through macros, and that are newer than what was built of them."""
    began = retry.chain.original.started_at
    for unique_id, name in _settings(retry)["inputs"].items():
        file = retry.project_root / name
        changed = datetime.fromtimestamp(file.stat().st_mtime, timezone.utc)
        if began is not None and changed > began:
            yield Change(unique_id, name)


@hookimpl
def retry_plus_classify(error: NodeError) -> Iterator[ErrorClass]:
    """Know what our own warehouse says in the hour in which it is closed."""
    if error.adapter == "duckdb" and any("the warehouse is asleep" in cause.message for cause in error.causes):
        yield ErrorClass.TRANSIENT


@hookimpl
def retry_plus_after_execution(retry: PlannedRetry, success: bool) -> None:
    """Post what became of a retry."""
    url = _settings(retry).get("webhook")
    if url:
        told = {"command": retry.arguments.command, "nodes": sorted(retry.plan.nodes), "success": success}
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, json.dumps(told).encode(), headers)  # noqa: S310  # the URL is a setting
        urllib.request.urlopen(request, timeout=5).close()  # noqa: S310  # likewise


def _settings(retry: FoundRetry) -> Mapping[str, Any]:
    return retry.settings[NAME]


def _is_within(now: datetime, begin: str, end: str) -> bool:
    begins, ends, moment = time.fromisoformat(begin), time.fromisoformat(end), now.time()
    return begins <= moment < ends if begins <= ends else moment >= begins or moment < ends
