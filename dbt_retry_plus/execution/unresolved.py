"""Earlier invocations that a later one of another kind has put out of sight."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.find import Records
from dbt_retry_plus.planning.unresolved import unproven_since
from dbt_retry_plus.texts import counted
from dbt_retry_plus.types import Chain

_NEVER = datetime.min.replace(tzinfo=timezone.utc)


def unresolved_elsewhere(records: Records, chain: Chain) -> Iterator[str]:
    """Say, for each other chain that left nodes unproven, how to retry it; the newest first.

    Args:
        records: What is on record.
        chain: The chain that was asked for.
    """
    later: list[Chain] = []
    try:
        for other in records.other_chains(chain.latest.invocation_id):
            if chain not in later and _began(chain) > _began(other):
                later.append(chain)
            unproven = unproven_since(other, later)
            if unproven:
                original = other.original
                nodes = counted(len(unproven), "node")
                yield (
                    f"An earlier invocation is unresolved: {original.title} left {nodes} unproven. "
                    f"Retry it with `dbt retry-plus --invocation {original.short_id}`."
                )
            later.append(other)
    except RetryRefusedError as refusal:
        yield f"Whether earlier invocations are unresolved is unknown: {refusal}"


def _began(chain: Chain) -> datetime:
    return chain.latest.started_at or _NEVER
