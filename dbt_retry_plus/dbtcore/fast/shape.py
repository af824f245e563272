"""Telling whether a function of dbt's is one that was looked at."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from types import CodeType
from typing import Any

_CLOSURE = "<locals>"


def shape_of(function: Any) -> str | None:
    """Return a text that two functions share if they use the same names and constants; None where it has no code.

    Names and constants are the same in each Python (3.10 to 3.13), which bytecode is not.
    """
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return shape_of_code(code) if isinstance(code, CodeType) else None


def shape_of_code(code: CodeType) -> str:
    """Return the shape of a function, or of one that is compiled and was never run."""
    words = sorted({word for nested in _with_nested(code) for word in _words(nested)})
    return f"{zlib.crc32(' '.join(words).encode()):08x}"


def _with_nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _with_nested(constant)


def _words(code: CodeType) -> Iterator[str]:
    for names in (code.co_names, code.co_varnames, code.co_cellvars, code.co_freevars):
        yield from (name for name in names if not name.startswith("."))
    # A docstring is no part of the shape; Python 3.13 indents it in another way.
    for constant in _flat(code.co_consts):
        if isinstance(constant, str) and "\n" not in constant and _CLOSURE not in constant:
            yield repr(constant)


def _flat(constants: tuple[Any, ...]) -> Iterator[Any]:
    for constant in constants:
        if isinstance(constant, tuple):
            yield from _flat(constant)
        else:
            yield constant
