"""No garbage collection while the project is loaded, and none of the project while its nodes run.

Parsing makes millions of objects that live until the end, and the collector looks at all of them again and again.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from dbt.task.run_operation import RunOperationTask
from dbt.task.runnable import GraphRunnableTask

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced
from dbt_retry_plus.startup.collecting import collects_as_usual

# Where the project's own work is done; it can take hours, and leave much behind.
_WORK = ((GraphRunnableTask, "execute_with_hooks"), (RunOperationTask, "run"))


@contextmanager
def _paused() -> Iterator[None]:
    """Collect nothing, but while the project's own work is done, and then nothing of what was there before it."""
    with ExitStack() as stack:
        stack.callback(gc.enable)
        stack.callback(gc.unfreeze)  # or DuckDB reports leaks as the process ends
        gc.disable()
        for owner, name in _WORK:
            stack.enter_context(replaced(owner, name, _collecting(vars(owner)[name])))
        yield


def _collecting(work: Callable[..., Any]) -> Callable[..., Any]:
    def collecting(*arguments: Any, **options: Any) -> Any:
        gc.freeze()
        gc.enable()
        try:
            return work(*arguments, **options)
        finally:
            gc.disable()

    return collecting


GARBAGE = Piece("garbage", _paused, fits=collects_as_usual)
