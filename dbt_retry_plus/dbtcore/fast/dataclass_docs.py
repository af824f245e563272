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

    __slots__ = ()

    def __get__(self, instance: object, owner: type) -> str:
        of = next(one for one in owner.__mro__ if vars(one).get(_DOC) is self)
        try:
            signature = str(inspect.signature(of)).replace(" -> None", "")
        except (TypeError, ValueError):
            signature = ""
        of.__doc__ = of.__name__ + signature
        return of.__doc__


@contextmanager
def _written_on_use() -> Iterator[None]:
    pythons_own = vars(dataclasses)[_PROCESS]

    def process(cls: Any, *arguments: Any, **options: Any) -> Any:
        if cls.__doc__:
            return pythons_own(cls, *arguments, **options)
        cls.__doc__ = cls.__name__  # any text will do: the class counts as documented
        made = pythons_own(cls, *arguments, **options)
        made.__doc__ = _UnwrittenDoc()
        return made

    with replaced(dataclasses, _PROCESS, process):
        yield


DATACLASS_DOCS = Piece(
    "dataclass_docs",
    _written_on_use,
    {f"dataclasses:{_PROCESS}": frozenset({"9e5bef4b", "aa71b6ed", "cf648275", "c0393d09"})},
    fits=is_the_process,  # what was never asked for stays as it is when the command ends
)
