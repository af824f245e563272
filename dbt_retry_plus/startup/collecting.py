"""Garbage collection while dbt's command line is imported."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dbt_retry_plus.startup import COMMAND, FAST_VARIABLE, SCRIPT

_FROZEN_BY_PYTHON = 1000  # Python 3.12 freezes some hundred objects of its own as it starts


def collects_as_usual() -> bool:
    """Tell whether the collector is on, and nobody else has frozen a heap that would be unfrozen with ours."""
    return gc.isenabled() and gc.get_freeze_count() < _FROZEN_BY_PYTHON


@contextmanager
def collecting_nothing_for_us() -> Iterator[None]:
    """Import dbt for our own command without garbage collection: what modules make lives until the end.

    The collector looks at it no sooner than it would have, since all of it counts as old afterwards. Other commands of
    dbt are left alone, as is who has settings of their own.
    """
    script, *words = getattr(sys, "argv", None) or [""]
    own = COMMAND in words or Path(script).stem == SCRIPT
    if not own or os.environ.get(FAST_VARIABLE) or not collects_as_usual():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        gc.unfreeze()
