"""Garbage collection while dbt's command line is imported."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_FROZEN_BY_PYTHON = 1000  # Python 3.12 freezes some hundred objects of its own as it starts


def collects_as_usual() -> bool:
    """Tell whether the collector is on, and nobody else has frozen a heap that would be unfrozen with ours."""
    return gc.isenabled() and gc.get_freeze_count() < _FROZEN_BY_PYTHON


@contextmanager
def collecting_nothing() -> Iterator[None]:
    """Import dbt without garbage collection, since what modules make lives until the end.

    The collector looks at it no sooner than it would have: afterwards all of it counts as old.
    """
    if not collects_as_usual():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        gc.unfreeze()
