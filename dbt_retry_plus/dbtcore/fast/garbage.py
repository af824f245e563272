"""No garbage collection while the project is loaded, and none of the project while its nodes run.

Parsing makes millions of objects that live until the end, and the collector looks at all of them again and again.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dbt.task.base import ConfiguredTask
from dbt.task.runnable import GraphRunnableTask

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced

_NODES = "execute_with_hooks"
_FROZEN_BY_PYTHON = 1000  # Python 3.12 freezes some hundred objects of its own as it starts


@contextmanager
def _paused() -> Iterator[None]:
    """Collect nothing, but while nodes run: they can be many, and leave much behind."""
    run_nodes = vars(GraphRunnableTask)[_NODES]

    def running(task: ConfiguredTask, *arguments: Any, **options: Any) -> Any:
        gc.freeze()
        gc.enable()
        try:
            return run_nodes(task, *arguments, **options)
        finally:
            gc.disable()

    gc.disable()
    try:
        with replaced(GraphRunnableTask, _NODES, running):
            yield
    finally:
        gc.unfreeze()  # or DuckDB reports leaks as the process ends
        gc.enable()


def _collects_as_usual() -> bool:
    """Whether the collector is on, and nobody else has frozen a heap that would be unfrozen with ours."""
    return gc.isenabled() and gc.get_freeze_count() < _FROZEN_BY_PYTHON


GARBAGE = Piece("garbage", _paused, fits=_collects_as_usual)
