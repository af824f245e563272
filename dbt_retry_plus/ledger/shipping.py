"""Shipping what is recorded to a store, in a thread of its own: no node waits for it, no error of it reaches dbt."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from dbt_retry_plus.ledger import segments
from dbt_retry_plus.ledger.claims import Claim
from dbt_retry_plus.ledger.journal import JOURNAL
from dbt_retry_plus.ledger.local import LedgerEntry
from dbt_retry_plus.ledger.remote import (
    ARTIFACTS,
    INVOCATIONS,
    RemoteInvocation,
    RemoteLedger,
    artifact_name,
    name_of,
    read_journal,
    retry_name,
)
from dbt_retry_plus.ledger.remote_retention import prune_remote
from dbt_retry_plus.ledger.run_results import MANIFEST
from dbt_retry_plus.ledger.store import StoreUnreachableError, reason_of
from dbt_retry_plus.settings import Settings

_LAST_ROUNDS = 2
_PATIENCE = 60.0
_PATIENCE_AFTER_FAILURE = 15.0


class Shipment:
    """One invocation on its way: what of it is in the store, and what is not."""

    def __init__(self, entry: LedgerEntry, remote: RemoteLedger, *, new: bool) -> None:
        """Begin.

        Args:
            entry: The invocation on this machine.
            remote: Where it goes.
            new: Whether nothing of it can be in the store.
        """
        self.name = name_of(entry.header)
        self._retry_of = entry.retry_of
        self._folder = entry.folder
        self._remote = remote
        self._place = f"{remote.base}/{INVOCATIONS}/{self.name}/"
        self._segments: int | None = 0 if new else None
        self._offset = 0
        self._attempted: segments.Segment | None = None
        self._sent: dict[str, tuple[int, int, int]] = {}

    def begin(self) -> None:
        """Ship the first line: it says that the invocation is there, and which one it is.

        Raises:
            OSError: The journal cannot be read.
            StoreUnreachableError: The store cannot be reached.
        """
        self._find_out()
        if self._segments == 0:
            with (self._folder / JOURNAL).open("rb") as file:
                self._ship_lines(file.readline())
            if self._retry_of:
                self._write(retry_name(self._retry_of), b"")

    def ship(self) -> None:
        """Ship what has come since.

        The manifest that nodes run from goes before what the journal says of them, or they would be taken for proven
        from code that nobody can compare.

        Raises:
            OSError: The journal cannot be read.
            StoreUnreachableError: The store cannot be reached.
        """
        self.begin()
        self._ship_lines(b"")
        lines = self._new_lines()
        for artifact in ARTIFACTS:
            self._ship_artifact(artifact)
        self._ship_lines(lines)

    def end(self) -> None:
        """Ship the whole journal once more, in one piece that takes one look to read.

        Raises:
            OSError: The journal cannot be read.
            StoreUnreachableError: The store cannot be reached.
        """
        data = (self._folder / JOURNAL).read_bytes()
        if data.endswith(b"\n"):
            self._write(segments.name_of(segments.WHOLE), segments.packed(segments.WHOLE, 0, self._segment(data)))

    def _find_out(self) -> None:
        """See how far an earlier process came with it."""
        if self._segments is not None:
            return
        there, number = read_journal(self._remote.store, RemoteInvocation(self._remote.base, self.name, {}))
        self._segments, self._offset = number, len(there)

    def _new_lines(self) -> bytes:
        with (self._folder / JOURNAL).open("rb") as file:
            file.seek(self._offset)
            lines, newline, _ = file.read().rpartition(b"\n")
        return lines + newline

    def _ship_lines(self, lines: bytes) -> None:
        """Ship the next segment; first the one whose writing failed, as it was: it may be there all the same."""
        if not (lines or self._attempted):
            return
        number = (self._segments or 0) + 1
        segment = self._attempted = self._attempted or self._segment(lines)
        self._write(segments.name_of(number), segments.packed(number, self._offset, segment))
        self._attempted, self._segments, self._offset = None, number, self._offset + len(segment.lines)

    def _segment(self, lines: bytes) -> segments.Segment:
        return segments.Segment(lines, MANIFEST in self._sent)

    def _ship_artifact(self, artifact: str) -> None:
        path = self._folder / artifact
        try:
            found = path.stat()
            version = (found.st_mtime_ns, found.st_size, found.st_ino)
            if self._sent.get(artifact) == version:
                return
            data = path.read_bytes()
        except FileNotFoundError:
            return
        self._write(artifact_name(artifact), segments.compressed(data))
        self._sent[artifact] = version

    def _write(self, name: str, data: bytes) -> None:
        self._remote.store.write(self._place + name, data)


class Shipper:
    """Ships one invocation while it is recorded, with the links of its chain that the store lacks."""

    def __init__(
        self,
        remote: RemoteLedger,
        entry: LedgerEntry,
        settings: Settings,
        warn: Callable[[str], None],
        claim: Claim | None = None,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            remote: Where it goes.
            entry: The invocation, whose first line is written.
            settings: What the project sets.
            warn: Shows a warning, from any thread.
            claim: The claim to the chain that is retried; a new chain is claimed by the invocation itself.
        """
        self._remote = remote
        self._entry = entry
        self._settings = settings
        self._warn = warn
        self._own = Shipment(entry, remote, new=True)
        self._links: deque[Shipment] = deque()
        self._claim = claim or Claim(remote, entry.invocation_id, entry.invocation_id, settings.ledger_interval)
        self._ending = threading.Event()
        self._warned = False
        self._failed: str | None = None
        self._begun = False
        self._thread = threading.Thread(target=self._work, name="dbt-retry-plus-shipping", daemon=True)

    def also(self, links: Iterable[LedgerEntry]) -> None:
        """Ship other invocations too: those that this one retries, and that the store lacks."""
        self._links.extend(Shipment(link, self._remote, new=False) for link in links)

    def start(self) -> None:
        """Begin to ship, and keep the claim until the end."""
        self._claim.kept = True
        self._thread.start()

    def finish(self) -> None:
        """Ship the rest, give the claim back and make room in the store; waits for a bounded time."""
        self._ending.set()
        self._thread.join(_PATIENCE_AFTER_FAILURE if self._failed else _PATIENCE)
        if self._thread.is_alive():
            self._warn_once("it does not answer")

    def _work(self) -> None:
        while not self._ending.is_set():
            began = time.monotonic()
            self._round(warn=self._failed is not None)
            self._ending.wait(max(0.0, self._settings.ledger_interval - (time.monotonic() - began)))
        for left in reversed(range(_LAST_ROUNDS)):
            if self._round(warn=left == 0):
                break
        for last in (self._own.end, self._claim.release, self._prune):
            self._guarded(last)

    def _round(self, *, warn: bool) -> bool:
        try:
            self._ship()
        except Exception as error:  # whatever it is: the command goes on, and so does its record on this machine
            self._failed = reason_of(error)
            if warn:
                self._warn_once(self._failed)
            return False
        self._failed = None
        return True

    def _ship(self) -> None:
        if not self._begun:
            self._own.begin()
            self._remote.note_latest(self._own.name)
            if not self._claim.taken:
                self._claim.begin()
            self._begun = True
        self._refresh_claim()
        self._own.ship()
        while self._links:
            self._refresh_claim()
            self._links[0].ship()
            self._links.popleft()

    def _refresh_claim(self) -> None:
        if not self._claim.refresh():
            raise StoreUnreachableError("another process has taken over, since this one was not heard of for long")

    def _prune(self) -> None:
        prune_remote(self._remote, self._settings)

    def _guarded(self, last: Callable[[], None]) -> None:
        if self._failed is not None:
            return
        try:
            last()
        except (StoreUnreachableError, OSError) as error:
            self._failed = reason_of(error)
            self._warn_once(self._failed)

    def _warn_once(self, reason: str) -> None:
        if self._warned:
            return
        self._warned = True
        self._warn(
            f"dbt-retry-plus could not bring the record of this invocation to {self._remote.url}: {reason}. It stays "
            "on this machine, and what the store lacks will run again when the invocation is retried elsewhere."
        )
