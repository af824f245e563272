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


def command_line() -> tuple[str, list[str]]:
    """Return the name of the script that this process was started with, and the words after it."""
    path, *words = getattr(sys, "argv", None) or [""]
    return Path(path).stem, words


def is_a_script() -> bool:
    """Tell whether the process is a script of dbt's or ours, and not a program that calls or imports dbt."""
    if threading.current_thread() is not threading.main_thread() or command_line()[0] not in _SCRIPTS:
        return False
    *_, script = _callers(sys._getframe())  # noqa: SLF001  # the only way to learn who called
    of_module = script.f_code.co_name == "<module>" and script.f_globals.get("__name__") == "__main__"
    return of_module and not sys.flags.interactive


def is_the_process() -> bool:
    """Tell whether such a script has called the command line that this is called by."""
    callers = [frame.f_globals.get("__name__") for frame in _callers(sys._getframe())]  # noqa: SLF001  # likewise
    return is_a_script() and callers[-2] in _CALLED_BY_SCRIPTS


def _callers(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
