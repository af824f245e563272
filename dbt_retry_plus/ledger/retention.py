"""Keeping the ledger within its bounds."""

from __future__ import annotations

from pathlib import Path

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.local import LedgerEntry, LocalLedger
from dbt_retry_plus.planning.chain import chains_of
from dbt_retry_plus.settings import Settings

_MEGABYTE = 1_000_000


def prune(ledger: LocalLedger, settings: Settings) -> None:
    """Discard the oldest chains until the ledger is within its bounds.

    A chain goes as a whole, or what its retries prove would hang in the air. The newest chain stays, however
    large, and so does one that is running.

    Raises:
        OSError: A folder cannot be moved away.
    """
    ledger.sweep()
    try:
        entries = ledger.entries()
    except RetryRefusedError:
        return  # a newer version writes here too: keeping order is up to it
    sizes = {entry.invocation_id: _size(entry) for entry in entries}
    chains = _chains(entries)
    kept, bytes_left = len(entries), sum(sizes.values())
    for chain in chains[:-1]:
        if kept <= settings.keep_invocations and bytes_left <= settings.keep_megabytes * _MEGABYTE:
            return
        if any(ledger.is_running(invocation_id) for invocation_id in chain):
            continue
        for invocation_id in reversed(chain):
            ledger.discard(invocation_id)
            kept, bytes_left = kept - 1, bytes_left - sizes[invocation_id]


def _chains(entries: list[LedgerEntry]) -> list[tuple[str, ...]]:
    """The chains on the ledger, the one with the newest link last."""
    retried = {entry.invocation_id: entry.retry_of for entry in entries}
    position = {invocation_id: number for number, invocation_id in enumerate(retried)}
    return sorted(chains_of(retried), key=lambda chain: max(position[invocation_id] for invocation_id in chain))


def _size(entry: LedgerEntry) -> int:
    try:
        return sum(_bytes(path) for path in entry.folder.iterdir())
    except FileNotFoundError:  # another process discarded it
        return 0


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
