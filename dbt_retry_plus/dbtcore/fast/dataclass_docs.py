"""The docstrings of dataclasses that have none of their own, written when somebody asks for one.

Python gives such a class its signature as a docstring, and looks at its `__init__` for that as the class is made.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced
from dbt_retry_plus.dbtcore.fast.process import is_the_process

_PROCESS, _DOC = "_process_class", "__doc__"


class _UnwrittenDoc:
    """Stands in a class for its docstring until somebody asks for that."""

    __slots__ = ("_of",)

    def __init__(self, of: type) -> None:
        self._of = of

    def __get__(self, instance: object, owner: type) -> str:
        try:
            signature = str(inspect.signature(self._of)).replace(" -> None", "")
        except (TypeError, ValueError):
            signature = ""
        self._of.__doc__ = self._of.__name__ + signature
        return self._of.__doc__


@contextmanager
def _written_on_use() -> Iterator[None]:
    pythons_own = vars(dataclasses)[_PROCESS]

    def process(cls: Any, *arguments: Any, **options: Any) -> Any:
        if cls.__doc__:
            return pythons_own(cls, *arguments, **options)
        before, cls.__doc__ = vars(cls).get(_DOC), cls.__name__  # any text will do: the class counts as documented
        try:
            made = pythons_own(cls, *arguments, **options)
        except BaseException:
            cls.__doc__ = before
            raise
        made.__doc__ = _UnwrittenDoc(made)
        return made

    with replaced(dataclasses, _PROCESS, process):
        yield


DATACLASS_DOCS = Piece(
    "dataclass_docs",
    _written_on_use,
    {f"dataclasses:{_PROCESS}": frozenset({"9e5bef4b", "aa71b6ed", "cf648275", "c0393d09"})},
    fits=is_the_process,  # what was never asked for stays as it is when the command ends
)
