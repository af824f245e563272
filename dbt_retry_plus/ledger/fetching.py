"""Fetching what other machines have recorded, from a store into the ledger of this machine."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from dbt_retry_plus.commands import RETRYABLE_COMMANDS
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger import segments
from dbt_retry_plus.ledger.journal import JOURNAL
from dbt_retry_plus.ledger.local import LedgerEntry, LocalLedger
from dbt_retry_plus.ledger.recorded import read_recorded
from dbt_retry_plus.ledger.remote import (
    ARTIFACTS,
    RemoteInvocation,
    RemoteLedger,
    name_of,
    read_artifact,
    read_header,
    read_journal,
)
from dbt_retry_plus.ledger.run_results import MANIFEST
from dbt_retry_plus.ledger.store import StoreUnreachableError
from dbt_retry_plus.planning.chain import chain_of
from dbt_retry_plus.types import Store

FETCHED = "fetched.json"
"""Stands beside a journal that was fetched, with the objects that it was made of."""


@dataclass(frozen=True)
class Known:
    """One invocation, on this machine or in the store.

    Attributes:
        began: When, as names in stores say it, and its id.
        header: The first line of its journal.
        remote: Where it can be fetched from; None where this machine has all of it.
    """

    began: str
    header: Mapping[str, Any]
    remote: RemoteInvocation | None = None

    @property
    def invocation_id(self) -> str:
        """The id that dbt gave it."""
        return str(self.header.get("invocation_id"))


class Fetcher:
    """Brings invocations from a store to a ledger, those that are needed."""

    def __init__(self, remote: RemoteLedger, ledger: LocalLedger) -> None:
        """Look at what is in both.

        Raises:
            StoreUnreachableError: The store cannot be reached.
            RetryRefusedError: The ledger cannot be read; or the newest invocation in the store cannot.
        """
        self.base = remote.base
        self._remote = remote
        self._ledger = ledger
        self.there = tuple(remote.invocations())
        self._known = self._look()

    def fetch_wanted(self, prefix: str | None) -> None:
        """Fetch the newest invocation that can be retried, with its chain.

        Args:
            prefix: The beginning of an id: fetch what it names instead.

        Raises:
            StoreUnreachableError: The store cannot be reached.
            OSError: The ledger cannot be written.
        """
        retried = self._retried()
        for known in reversed([*self._known.values()]):
            if prefix is not None and not known.invocation_id.startswith(prefix):
                continue
            self._fetch(chain_of(known.invocation_id, retried))
            # A `dbt retry` that never came to say what it retries is not what will be retried.
            if prefix is None and known.header.get("command") in RETRYABLE_COMMANDS:
                return
            if prefix is None and self._command(known.invocation_id) in RETRYABLE_COMMANDS:
                return

    def newest_tagged(self, tag: str) -> str | None:
        """Return the id of the newest invocation that was run for a task; None where there is none."""
        known = (known for known in reversed([*self._known.values()]) if known.header.get("tag") == tag)
        return next((found.invocation_id for found in known), None)

    def fetch_all(self) -> bool:
        """Fetch whatever this machine lacks.

        Returns:
            Whether it lacked anything.

        Raises:
            StoreUnreachableError: The store cannot be reached.
            OSError: The ledger cannot be written.
        """
        lacked = [invocation_id for invocation_id, known in self._known.items() if known.remote is not None]
        self._fetch(lacked)
        return bool(lacked)

    def overtaken(self, invocation_ids: Collection[str], *, named: bool = False) -> bool:
        """Tell whether other machines have begun an invocation since, or have recorded more of one of these.

        Args:
            invocation_ids: Those that were read.
            named: Whether the user named one of them: then only retries of them count, or what cannot be told from one.

        Raises:
            StoreUnreachableError: The store cannot be reached.
        """
        before = {each.name: each for each in self.there}
        now = {each.name: each for each in self._remote.invocations()}
        read = (name for name, each in now.items() if each.invocation_id in invocation_ids)
        if any(before.get(name) != now[name] for name in read):
            return True
        if not named:
            return now.keys() != before.keys()
        return any(self._may_be_retry_of(invocation_ids, now[name]) for name in now.keys() - before.keys())

    def lacking(self, entries: Collection[LedgerEntry]) -> list[LedgerEntry]:
        """Return those of some invocations that were recorded here and are not, or not wholly, in the store."""
        whole = {each.invocation_id for each in self.there if segments.name_of(segments.WHOLE) in each.objects}
        return [entry for entry in entries if recorded_here(entry) and entry.invocation_id not in whole]

    def _look(self) -> dict[str, Known]:
        entries = {entry.invocation_id: entry for entry in self._ledger.entries()}
        found = [Known(name_of(entry.header), entry.header) for entry in entries.values()]
        newest_damaged = ""
        for invocation in self.there:
            here = entries.get(invocation.invocation_id)
            if here is not None and (recorded_here(here) or _objects_of(here) == dict(invocation.objects)):
                continue
            header = read_header(self._remote.store, invocation)
            if header is None and here is None:
                newest_damaged = invocation.name
            elif header is not None:
                found = [known for known in found if known.invocation_id != invocation.invocation_id]
                found.append(Known(invocation.name, header, invocation))
        found.sort(key=lambda known: known.began)
        if newest_damaged and (not found or newest_damaged > found[-1].began):
            raise RetryRefusedError(
                f"The record of the newest invocation in {self._remote.url}, "
                f"'{self._remote.base}/invocations/{newest_damaged}', is damaged, so what it left unproven is unknown. "
                "Run its dbt command again, or delete it and 'latest.json' to retry the invocation before it."
            )
        return {known.invocation_id: known for known in found}

    def _retried(self) -> dict[str, str | None]:
        retried: dict[str, str | None] = {}
        for invocation_id, known in self._known.items():
            retry_of = known.header.get("retry_of")
            retried[invocation_id] = retry_of if isinstance(retry_of, str) else None
        return retried

    def _may_be_retry_of(self, invocation_ids: Collection[str], invocation: RemoteInvocation) -> bool:
        if invocation.retry_of is not None:
            return invocation.retry_of in invocation_ids
        header = read_header(self._remote.store, invocation)
        return header is None or header.get("retry_of") in invocation_ids

    def _command(self, invocation_id: str) -> str:
        entry = LedgerEntry(self._ledger.invocations / invocation_id, self._known[invocation_id].header)
        return read_recorded(entry).command

    def _fetch(self, invocation_ids: Collection[str]) -> None:
        for invocation_id in invocation_ids:
            known = self._known[invocation_id]
            if known.remote is not None:
                files = files_of(self._remote.store, known.remote)
                if not files[JOURNAL]:
                    raise StoreUnreachableError(f"the record of {invocation_id} was removed while it was read")
                self._ledger.put(invocation_id, files)
                self._known[invocation_id] = Known(known.began, known.header)


def files_of(store: Store, invocation: RemoteInvocation, artifacts: Collection[str] = ARTIFACTS) -> dict[str, bytes]:
    """Return what the files of an invocation hold; what is torn is not there.

    Args:
        store: Where it is.
        invocation: The invocation.
        artifacts: What to fetch besides its journal. Without the manifest, the journal serves only to be looked at.

    Raises:
        StoreUnreachableError: The store cannot be reached.
    """
    files = {FETCHED: json.dumps(dict(invocation.objects)).encode()}
    for artifact in artifacts:
        data = read_artifact(store, invocation, artifact)
        if data is not None:
            files[artifact] = data
    manifest = MANIFEST in files or MANIFEST not in artifacts
    journal, _ = read_journal(store, invocation, manifest=manifest)
    return {**files, JOURNAL: journal}


def recorded_here(entry: LedgerEntry) -> bool:
    """Whether an invocation was recorded on this machine, and not fetched from a store."""
    return not (entry.folder / FETCHED).exists()


def _objects_of(entry: LedgerEntry) -> object:
    """The objects that a fetched invocation was made of; one that was deleted since proves no less."""
    try:
        return json.loads((entry.folder / FETCHED).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
