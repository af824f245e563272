"""JSON of nodes read and written by a compiled library, where that comes to what Python's own comes to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any

import orjson

_WHOLE = frozenset({str, int, bool, NoneType})
_LARGEST = float(1 << 62)


def decoded(text: bytes) -> Any:
    """Return a document, of which only the rows that are `as_written` can be relied on.

    Raises:
        ValueError: This is no JSON, or such JSON as only Python's own decoder takes.
    """
    return orjson.loads(text)


def as_written(row: Mapping[str, Any]) -> bool:
    """Tell whether the numbers in a row of `run_results.json` are those that were written.

    The library makes a float of a whole number that 64 bits cannot hold. The time and the failures are dbt's numbers,
    and what an adapter says can have any.
    """
    response, seconds = row.get("adapter_response"), row.get("execution_time")
    if type(row.get("failures")) is float or (type(seconds) is float and not -_LARGEST < seconds < _LARGEST):
        return False
    return not response or (type(response) is dict and all(type(value) in _WHOLE for value in response.values()))


def encoded(document: Mapping[str, Any], large: str, *, exact: bool) -> bytes:
    """Return the text of a document; blanks between its values say nothing.

    Args:
        document: The document, with texts as keys.
        large: Its member that holds the nodes.
        exact: Whether every number in that is finite: the library makes null of any other, where Python writes NaN.
    """
    members = (
        b"%b:%b" % (_text(name), ascii_text(value, _text) if exact and name == large else _text(value))
        for name, value in document.items()
    )
    return b"{%b}" % b",".join(members)


def ascii_text(
    value: Any, slowly: Callable[[Any], bytes], other_kinds: Callable[[Any], Any] | None = None, options: int = 0
) -> bytes:
    """Return the text of a value in which every number is finite.

    Args:
        value: The value.
        slowly: Writes what the library refuses (a number that is too large, half of a character), or would not escape.
        other_kinds: Makes of a value that JSON lacks one that it has.
        options: What else orjson is told.
    """
    try:
        text = orjson.dumps(value, other_kinds, options)
    except orjson.JSONEncodeError:
        return slowly(value)
    return text if text.isascii() else slowly(value)


def _text(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
