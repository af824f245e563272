"""Shipping to a store and fetching from it again, as one machine and another do."""

from __future__ import annotations

from typing import Any

from dbt_retry_plus.ledger.fetching import Fetcher
from dbt_retry_plus.ledger.local import LedgerEntry, LocalLedger, OpenInvocation
from dbt_retry_plus.ledger.recorded import read_recorded
from dbt_retry_plus.ledger.remote import RemoteLedger
from dbt_retry_plus.ledger.shipping import Shipment
from dbt_retry_plus.ledger.store import Guarded
from dbt_retry_plus.settings import Settings
from dbt_retry_plus.types import Invocation
from tests.support.ledgers import PROJECT, header

QUICK = Settings(ledger_interval=0.01)


def remote_of(store: Any, environment: str = "dev") -> RemoteLedger:
    return RemoteLedger(lambda: Guarded(store), "vault://ledger", PROJECT, environment)


def entry_of(opened: OpenInvocation, **changes: Any) -> LedgerEntry:
    return LedgerEntry(opened.folder, header(opened.folder.name, **changes))


def shipped(store: Any, *entries: LedgerEntry) -> None:
    remote = remote_of(store)
    for entry in entries:
        shipment = Shipment(entry, remote, new=True)
        shipment.ship()
        shipment.end()


def fetched(store: Any, ledger: LocalLedger, prefix: str | None = None) -> dict[str, Invocation]:
    Fetcher(remote_of(store), ledger).fetch_wanted(prefix)
    return {entry.invocation_id: read_recorded(entry) for entry in ledger.entries()}
