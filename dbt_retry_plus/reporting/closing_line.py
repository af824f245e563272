"""The one line in dbt's log that closes a retry."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from dbt_retry_plus.types import Chain, Plan

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def closing_line(chain: Chain, plan: Plan, now: datetime) -> str:
    """Say what was resumed, how much ran, and what that saved: the recorded time of what did not run again.

    Args:
        chain: What was retried.
        plan: What ran.
        now: The time (UTC).
    """
    latest = chain.latest
    outcomes = [chain.outcomes[unique_id] for unique_id in plan.proven]
    proven = [outcome for outcome in outcomes if not (outcome.is_hook or outcome.ephemeral)]
    saved = sum(outcome.execution_time for outcome in proven)
    age = age_of(chain, now)
    return (
        f"Resumed from {latest.short_id} (`dbt {chain.original.command_line_name}`{age}): "
        f"{counted(len(plan.nodes), 'node')} run, {len(proven)} proven before, {in_short(saved)} saved"
    )


def age_of(chain: Chain, now: datetime) -> str:
    """Say how long ago the newest link of a chain began, as far as that is known: `, 3 h ago`."""
    began = chain.latest.started_at
    return f", {in_short((now - began).total_seconds())} ago" if began else ""


def in_short(seconds: float) -> str:
    """Say how long something is, in its largest unit: `3 h`, `41 m`, `0.2 s`."""
    if round(seconds, 1) < 10:
        return f"{max(seconds, 0):.1f} s"
    if round(seconds, 0) < _MINUTE:
        return f"{seconds:.0f} s"
    if round(seconds / _MINUTE, 0) < _HOUR / _MINUTE:
        return f"{seconds / _MINUTE:.0f} m"
    hours = round(seconds / _HOUR, 0)
    return f"{hours:.0f} h" if hours < 2 * _DAY / _HOUR else f"{seconds / _DAY:.0f} d"


def counted(number: int, noun: str) -> str:
    """Say how many: `1 node`, `2 nodes`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def some_of(names: Collection[str], most: int = 5) -> str:
    """Name the first few, and say how many more there are."""
    shown = ", ".join(sorted(names)[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
