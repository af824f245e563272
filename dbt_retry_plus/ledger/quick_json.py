"""JSON of nodes read by a compiled library, where that comes to what Python's own comes to."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any

import orjson

_AS_WRITTEN = frozenset({str, int, bool, NoneType})


def decoded(text: bytes) -> Any:
    """Return a document, of which only the rows that are `as_written` can be relied on.

    Raises:
        ValueError: This is no JSON, or such JSON as only Python's own decoder takes.
    """
    return orjson.loads(text)


def as_written(row: Mapping[str, Any]) -> bool:
    """Tell whether every number in a row of `run_results.json` is the one that was written.

    The library makes a float of a whole number that 64 bits cannot hold; only what an adapter says can have one.
    """
    response = row.get("adapter_response")
    if type(row.get("failures")) is float:
        return False
    return not response or (type(response) is dict and all(type(value) in _AS_WRITTEN for value in response.values()))
