"""Shipping a run of a job while it runs, from a thread of its own: a store that hangs keeps no step waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from dbt_retry_plus.jobs.record import JobRun
from dbt_retry_plus.ledger.claims import Claim
from dbt_retry_plus.ledger.store import StoreUnreachableError

_LONGEST_END = 30.0


class Sharing:
    """One run, as other machines get to know of it."""

    def __init__(
        self,
        ship: Callable[[JobRun], None],
        claim: Claim | None,
        interval: float,
        warn: Callable[[str], object],
    ) -> None:
        """Prepare.

        Args:
            ship: Puts what is on record of a run into the store; raises StoreUnreachableError or OSError.
            claim: What keeps others from running the job; None where the store could not be reached.
            interval: How often, in seconds, the claim is written anew.
            warn: Is told what goes wrong.
        """
        self._claim = claim
        self._interval = interval
        self._warn = warn
        self._ship = ship
        self._run: JobRun | None = None
        self._wake = threading.Condition()
        self._changed = False
        self._ended = False
        self._failed = False
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self, run: JobRun) -> None:
        """Begin; from now on the run is shipped whenever `note` is called.

        Args:
            run: The run, which is on record on this machine.
        """
        self._run = run
        self._thread.start()

    def note(self) -> None:
        """Say that there is more on record."""
        with self._wake:
            self._changed = True
            self._wake.notify()

    def end(self) -> None:
        """Ship what is left, for as long as that may take, and let others run the job."""
        with self._wake:
            self._ended = True
            self._wake.notify()
        if self._run is not None:
            self._thread.join(_LONGEST_END)
            if self._thread.is_alive():
                self._warn("The ledger's store does not answer: what became of this run is not in it.")
                return
        if self._claim is not None:
            with suppress(StoreUnreachableError):  # it expires
                self._claim.release()

    def _work(self) -> None:
        while True:
            with self._wake:
                if not (self._changed or self._ended):
                    self._wake.wait(self._interval)
                changed, self._changed, ended = self._changed, False, self._ended
            if changed or self._failed:
                self._try_to_ship(last=ended)
            if ended:
                return
            self._refresh()

    def _try_to_ship(self, *, last: bool) -> None:
        try:
            if self._run is not None:
                self._ship(self._run)
            self._failed = False
        except (StoreUnreachableError, OSError) as error:
            if last or not self._failed:
                self._warn(f"What becomes of this run is not in the ledger's store: {error}.")
            self._failed = True

    def _refresh(self) -> None:
        if self._claim is None:
            return
        with suppress(StoreUnreachableError):  # the next time may be better
            if not self._claim.refresh():
                self._claim = None
                self._warn("Another machine has taken this job over: nothing was heard of this run for long.")
