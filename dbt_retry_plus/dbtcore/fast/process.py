"""Whose process this is."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from dbt_retry_plus.startup import SCRIPT

_SCRIPTS = frozenset({"dbt", SCRIPT})
_CALLED_BY_SCRIPTS = frozenset({"click.core", "dbt_retry_plus.cli.console"})


def is_the_process() -> bool:
    """Tell whether the process is a script of dbt's or ours, and not a program that calls dbt."""
    if threading.current_thread() is not threading.main_thread() or Path(sys.argv[0]).stem not in _SCRIPTS:
        return False
    frames = list(_callers(sys._getframe()))  # noqa: SLF001  # the only way to learn who called
    script, called = frames[-1], frames[-2]
    return (
        script.f_code.co_name == "<module>"
        and script.f_globals.get("__name__") == "__main__"
        and called.f_globals.get("__name__") in _CALLED_BY_SCRIPTS
        and not sys.flags.interactive
    )


def _callers(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
