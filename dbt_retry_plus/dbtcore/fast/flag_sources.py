"""The module that a behaviour flag of an adapter is ascribed to, without reading the source of all that is running.

dbt asks Python for everything that it could show of the stack, and looks at the names of the modules in it alone.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from dbt_common import behavior_flags
from dbt_common.behavior_flags import BehaviorFlagRendered

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced

_SOURCE = "_default_source"


@contextmanager
def _by_name() -> Iterator[None]:
    with replaced(BehaviorFlagRendered, _SOURCE, staticmethod(_default_source)):
        yield


def _default_source() -> str:
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - `inspect.currentframe` is the same and may be None
    while frame is not None:
        name = _module_of(frame)
        if name is not None and name != behavior_flags.__name__:
            return name
        frame = frame.f_back
    return "Unknown"


def _module_of(frame: FrameType) -> str | None:
    module = sys.modules.get(frame.f_globals.get("__name__", ""))
    if module is None or vars(module) is not frame.f_globals:
        module = inspect.getmodule(frame)
    return module.__name__ if module else None


FLAG_SOURCES = Piece(
    "flag_sources",
    _by_name,
    {f"dbt_common.behavior_flags:BehaviorFlagRendered.{_SOURCE}": frozenset({"f63a2299"})},
)
