"""Checks of what is on record of the invocation to retry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dbt_retry_plus.commands import RUN_OPERATION
from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.texts import in_short
from dbt_retry_plus.types import Finding, FoundRetry
from dbt_retry_plus.words import Severity

_MANIFEST = "manifest.json"


@hookimpl
def retry_plus_check_record(retry: FoundRetry) -> Iterator[Finding]:
    """Look at whether the record can be built on."""
    yield from _still_running(retry)
    yield from _too_old(retry)
    yield from _stale_artifacts(retry)
    yield from _half_done_operation(retry)
    yield from _state_gone(retry)


def _still_running(retry: FoundRetry) -> Iterator[Finding]:
    running = retry.running
    if running is not None:
        yield Finding(
            Severity.ERROR,
            "still-running",
            f"Invocation {running.invocation_id} (`dbt {running.command_line_name}`, process {running.process_id}) "
            "is still running.",
            "Wait until it has ended, or stop it.",
        )


def _too_old(retry: FoundRetry) -> Iterator[Finding]:
    began = retry.chain.original.started_at
    if retry.max_age is None or began is None:
        return
    age = (retry.now - began).total_seconds()
    if age > retry.max_age:
        yield Finding(
            Severity.ERROR,
            "record-too-old",
            f"{retry.chain.original.title} began {in_short(age)} ago, and max_age is {in_short(retry.max_age)}.",
            "Run the original command again, or pass --force to retry it all the same.",
            passable=True,
        )


def _stale_artifacts(retry: FoundRetry) -> Iterator[Finding]:
    """With no journal, a command that died before it wrote its results is seen by its manifest alone."""
    latest = retry.chain.latest
    if not latest.recorded and retry.manifest_of not in (None, latest.invocation_id):
        yield Finding(
            Severity.WARNING,
            "stale-artifacts",
            f"The results to retry are of {latest.title}, and the {_MANIFEST} beside them is of another "
            f"invocation ({retry.manifest_of}), which is not on record.",
            "If that one was to build something and failed, run its command again.",
        )


def _half_done_operation(retry: FoundRetry) -> Iterator[Finding]:
    latest = retry.chain.latest
    stopped = not latest.ended and not latest.error  # dbt gives a reason where it did not come to run it
    if retry.chain.original.command == RUN_OPERATION and stopped and not _all_proven(retry):
        macro = retry.chain.original.arguments.get("macro")
        yield Finding(
            Severity.ERROR,
            "operation-half-done",
            f"The run-operation {macro!r} ({latest.short_id}) was stopped while it ran, and a retry runs it from its "
            "beginning: what it had done may be done twice.",
            "Look at what it has done; pass --force to run it again.",
            passable=True,
        )


def _all_proven(retry: FoundRetry) -> bool:
    outcomes = retry.chain.outcomes.values()
    return bool(outcomes) and all(outcome.proven for outcome in outcomes)


def _state_gone(retry: FoundRetry) -> Iterator[Finding]:
    values = retry.arguments.values
    state = values.get("defer_state") or values.get("state")
    if not values.get("defer") or not state:
        return
    manifest = retry.project_root / Path(str(state)) / _MANIFEST
    if not manifest.is_file():
        yield Finding(
            Severity.ERROR,
            "state-gone",
            f"{retry.chain.original.title} deferred to '{state}', and '{manifest}' is not there any more.",
            "Bring it back, name it anew with --defer-state, or do without: --no-defer.",
        )
