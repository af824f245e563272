"""How often nodes have needed more than one attempt of late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.journal import ATTEMPT, JOURNAL
from dbt_retry_plus.ledger.local import LedgerEntry, LocalLedger
from dbt_retry_plus.ledger.recorded import read_recorded
from dbt_retry_plus.ledger.run_results import parse_time
from dbt_retry_plus.types import Invocation

OF_LATE = timedelta(days=7)
_MARK = f'"event":"{ATTEMPT}"'.encode()


def recovered_nodes(invocation: Invocation) -> frozenset[str]:
    """Return the nodes of an invocation that failed and were proven by a later attempt in it."""
    outcomes = invocation.outcomes
    return frozenset(u for u in invocation.failed_attempts if u in outcomes and outcomes[u].proven)


def flaky_recoveries(ledger: LocalLedger, invocation: Invocation, now: datetime) -> Mapping[str, int]:
    """Count, for each node that recovered in an invocation, in how many earlier ones of the last week it did too.

    Args:
        ledger: Where they are recorded.
        invocation: The invocation.
        now: The time (UTC).
    """
    wanted = recovered_nodes(invocation)
    counts: Counter[str] = Counter(dict.fromkeys(wanted, 0))
    if wanted:
        for entry in ledger.entries():
            if entry.invocation_id != invocation.invocation_id and _is_recent(entry, now):
                counts.update(wanted & _recovered_in(entry))
    return counts


def _is_recent(entry: LedgerEntry, now: datetime) -> bool:
    began = parse_time(entry.header.get("started_at"))
    return began is not None and now - began <= OF_LATE


def _recovered_in(entry: LedgerEntry) -> frozenset[str]:
    try:
        if _MARK not in (entry.folder / JOURNAL).read_bytes():
            return frozenset()
        return recovered_nodes(read_recorded(entry))
    except (OSError, RetryRefusedError):  # pruned meanwhile
        return frozenset()
