"""The one line in dbt's log that closes a retry."""

from __future__ import annotations

from datetime import datetime

from dbt_retry_plus.reporting.plan import proven_nodes
from dbt_retry_plus.texts import counted, in_short
from dbt_retry_plus.types import Chain, Plan


def closing_line(chain: Chain, plan: Plan, now: datetime) -> str:
    """Say what was resumed, how much ran, and what that saved: the recorded time of what did not run again.

    Args:
        chain: What was retried.
        plan: What ran.
        now: The time (UTC).
    """
    latest = chain.latest
    proven = proven_nodes(chain, plan)
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
