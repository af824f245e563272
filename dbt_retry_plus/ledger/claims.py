"""Claims: who works on a chain at the moment, on whichever machine.

A claim is a numbered object. To take over is to create the next number, which a store with a conditional write lets
only one of several do. Its holder writes it anew at intervals; one that has not changed for its lease has no living
holder. That is observed with one's own clock: machines differ in theirs.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import PurePosixPath
from typing import Any, Final

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.journal import now, time_text
from dbt_retry_plus.ledger.remote import CLAIMS, RemoteLedger, read_object
from dbt_retry_plus.ledger.run_results import parse_time
from dbt_retry_plus.texts import one_line
from dbt_retry_plus.types import Store

SCHEMA: Final = "dbt-retry-plus/claim/v1"

_INTERVALS_IN_A_LEASE = 6
_SHORTEST_LEASE = 3.0
_LONGEST_LEASE = 600.0
_CLOCKS_DIFFER = timedelta(minutes=5)
_LOOKS_IN_A_LEASE = 20


@dataclass(frozen=True)
class Held:
    """A claim in a store.

    Attributes:
        number: Its number.
        written: What its object holds.
    """

    number: int
    written: bytes

    @property
    def document(self) -> Mapping[str, Any]:
        """What it says; nothing where it is torn."""
        try:
            document = json.loads(self.written)
        except (ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}

    @property
    def lease(self) -> float:
        """For how many seconds it holds without being written anew."""
        lease = self.document.get("lease")
        return min(max(float(lease), 0.0), _LONGEST_LEASE) if isinstance(lease, (int, float)) else _SHORTEST_LEASE

    @property
    def released(self) -> bool:
        """Whether its holder is done."""
        return self.document.get("released") is True

    @property
    def invocation_id(self) -> str:
        """The invocation that holds it."""
        return str(self.document.get("invocation_id"))

    def expired(self, margin: timedelta = _CLOCKS_DIFFER) -> bool:
        """Whether it has not been written anew for long, as far as clocks agree."""
        refreshed = parse_time(self.document.get("refreshed_at"))
        return refreshed is not None and datetime.now(timezone.utc) > refreshed + timedelta(seconds=self.lease) + margin


class Claim:
    """One process's claim to a chain."""

    def __init__(
        self, remote: RemoteLedger, chain_id: str, invocation_id: str, interval: float, doing: str | None = None
    ) -> None:
        """Prepare it; nothing is claimed yet.

        Args:
            remote: Where.
            chain_id: The id of the chain's original invocation.
            invocation_id: The invocation of this process.
            interval: How often, in seconds, it will be written anew.
            doing: What somebody else who holds it is doing, where that is no retry: a sentence without its end.
        """
        self.chain_id = chain_id
        self.kept = False  # until the process ends: whoever took it need not release it
        self._remote = remote
        self._doing = doing
        self._number = 0
        self._token = secrets.token_hex(8)
        self._holder = {
            "schema": SCHEMA,
            "chain": chain_id,
            "invocation_id": invocation_id,
            "token": self._token,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "since": now(),
            "lease": max(_SHORTEST_LEASE, _INTERVALS_IN_A_LEASE * interval),
        }

    def take(self, is_dead: Callable[[str], bool], wait: Callable[[Held], None] = lambda _: None) -> bool:
        """Take the claim, or find out who holds it.

        Args:
            is_dead: Tells of an invocation whether it was made on this machine, by a process that is gone.
            wait: Is told before it takes a while to see whether a holder is alive.

        Returns:
            Whether the store has let nobody else take it at the same time.

        Raises:
            RetryRefusedError: Somebody else holds it.
            StoreUnreachableError: The store cannot be reached.
        """
        held = self._newest()
        if held is not None and not (held.released or held.expired() or is_dead(held.invocation_id)):
            wait(held)
            held = self._seen_dead(held)
        self._number = held.number + 1 if held is not None else 1
        name, data = self._name(self._number), self._data()
        try:
            taken, exclusive = self._remote.store.write_if_absent(name, data), True
        except NotImplementedError:
            taken, exclusive = read_object(self._remote.store, name) is None, False
            if taken:
                self._remote.store.write(name, data)
        if not taken:
            raise self._refusal(self._newest())
        return exclusive

    def refuse_living(self, is_dead: Callable[[str], bool], wait: Callable[[Held], None]) -> None:
        """Take nothing, and refuse where somebody else holds it; as `take`."""
        held = self._newest()
        if held is not None and not (held.released or held.expired() or is_dead(held.invocation_id)):
            wait(held)
            self._seen_dead(held)

    def begin(self) -> None:
        """Claim a chain that nobody else can know of yet: this process is making it.

        Raises:
            StoreUnreachableError: The store cannot be reached.
        """
        self._remote.store.write(self._name(1), self._data())
        self._number = 1

    def refresh(self) -> bool:
        """Write it anew.

        Returns:
            Whether it is still this process's: a holder that was not heard of for long loses it.

        Raises:
            StoreUnreachableError: The store cannot be reached.
        """
        found = read_object(self._remote.store, self._name(self._number))
        lost = found is None or Held(self._number, found).document.get("token") != self._token
        if lost or read_object(self._remote.store, self._name(self._number + 1)) is not None:
            return False
        self._remote.store.write(self._name(self._number), self._data())
        return True

    def release(self) -> None:
        """Let others take it.

        Raises:
            StoreUnreachableError: The store cannot be reached.
        """
        if self._number:
            self._remote.store.write(self._name(self._number), self._data(released=True))

    @property
    def taken(self) -> bool:
        """Whether it was ever taken."""
        return self._number > 0

    def _seen_dead(self, held: Held) -> Held | None:
        """Come back where its holder does not give a sign of life for as long as it holds."""
        deadline = time.monotonic() + held.lease
        while time.monotonic() < deadline:
            time.sleep(held.lease / _LOOKS_IN_A_LEASE)
            seen = self._newest()
            if seen is None or seen.released:
                return seen
            if seen != held:
                raise self._refusal(seen)
        return held

    def _refusal(self, held: Held | None) -> RetryRefusedError:
        document = held.document if held else {}
        who = ", ".join(
            f"{what} {one_line(str(document[key]), 80)}"
            for what, key in (("process", "pid"), ("on", "host"), ("since", "since"))
            if document.get(key)
        )
        doing = self._doing or f"Another retry of invocation {self.chain_id} is running"
        if document.get("invocation_id") == self.chain_id:
            doing = f"Invocation {self.chain_id} is still running"
        return RetryRefusedError(f"{doing}{f' ({who})' if who else ''}. Wait until it has ended, or stop it.")

    def _newest(self) -> Held | None:
        return newest(self._remote.store, self._remote.base, self.chain_id)

    def _name(self, number: int) -> str:
        return f"{self._remote.base}/{CLAIMS}/{self.chain_id}/{number:06}.json"

    def _data(self, *, released: bool = False) -> bytes:
        written = {"refreshed_at": time_text(datetime.now(timezone.utc)), "beat": secrets.token_hex(4)}
        return json.dumps({**self._holder, **written, "released": released}).encode()


def newest(store: Store, base: str, chain_id: str) -> Held | None:
    """Return the claim to a chain that counts; None where there never was one.

    Args:
        store: Where to look.
        base: The project and environment, as they stand in names.
        chain_id: The id of the chain's original invocation.

    Raises:
        StoreUnreachableError: The store cannot be reached.
    """
    folder = f"{base}/{CLAIMS}/{chain_id}/"
    numbers = (PurePosixPath(each.name).stem for each in store.list(folder))
    number = max((int(stem) for stem in numbers if stem.isdecimal()), default=1)
    held = None
    while True:  # the listing may lag behind
        found = read_object(store, f"{folder}{number:06}.json")
        if found is None:
            return held
        held = Held(number, found)
        number += 1
