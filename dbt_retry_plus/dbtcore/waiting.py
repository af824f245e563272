"""What is to be done later, by one thread, until nobody waits for it any more."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from itertools import count


class Waiting:
    """Calls back when a time has come, from a thread of its own that is there while something waits."""

    def __init__(self) -> None:
        """Begin with nothing that waits."""
        self.stopped = threading.Event()
        self._changed = threading.Condition()
        self._entries: list[tuple[float, int, Callable[[], None], Callable[[], None]]] = []
        self._numbers = count()
        self._thread: threading.Thread | None = None

    def add(self, delay: float, then: Callable[[], None], otherwise: Callable[[], None]) -> None:
        """Wait.

        Args:
            delay: How long, in seconds.
            then: What is called after that, while `stop` is held off.
            otherwise: What is called instead if waiting is stopped before.
        """
        with self._changed:
            if not self.stopped.is_set():
                heapq.heappush(self._entries, (time.monotonic() + delay, next(self._numbers), then, otherwise))
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="dbt-retry-plus-waiting", daemon=True)
                    self._thread.start()
                self._changed.notify()
                return
        otherwise()

    def stop(self) -> None:
        """Let nothing wait any more."""
        with self._changed:
            self.stopped.set()
            left, self._entries = sorted(self._entries[:]), []
            self._changed.notify()
        for _, _, _, otherwise in left:
            otherwise()

    def _run(self) -> None:
        with self._changed:
            while not self.stopped.is_set():
                if not self._entries:
                    self._thread = None
                    return
                left = self._entries[0][0] - time.monotonic()
                if left > 0:
                    self._changed.wait(left)
                else:
                    heapq.heappop(self._entries)[2]()
