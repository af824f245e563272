"""The end of the process without taking apart, object by object, what it had loaded.

Only where a person or a scheduler started `dbt` itself: a program that calls dbt goes on after it. Whatever waits for
the end of the process (threads, exit handlers, buffers) gets it, in the interpreter's own order.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

from dbt_retry_plus.dbtcore.fast.piece import Piece
from dbt_retry_plus.dbtcore.fast.process import is_the_process
from dbt_retry_plus.startup.registration import EntryPointGroup


@contextmanager
def _asked_for() -> Iterator[None]:
    group = click.get_current_context().find_root().command
    if isinstance(group, EntryPointGroup):
        group.leave = _leave  # it forgets that when its `main` ends
    yield


def _leave(ending: SystemExit) -> None:
    """End the process as the interpreter does; come back where that is not as simple."""
    code = 0 if ending.code is None else ending.code
    if not isinstance(code, int):
        return
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001  # there is no public name for it
        atexit._run_exitfuncs()  # noqa: SLF001  # likewise
        sys.stdout.flush()
        sys.stderr.flush()
    except Exception:  # a reader that is gone, for instance: the interpreter knows what to say and which code to give
        return
    os._exit(code)


QUICK_EXIT = Piece("quick_exit", _asked_for, fits=is_the_process)
