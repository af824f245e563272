"""Segments: the pieces in which a journal is shipped, each an object that never changes once it is there.

A segment says which one it is and at which byte of the journal it begins. What is torn, missing or out of its place
ends the journal, as a torn line does: what it would have proven counts as unproven.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable

WHOLE = 0
"""The number of the one segment that holds a whole journal, written when its command has ended."""

_PREFIX, _SUFFIX = "journal/", ".gz"


def name_of(number: int) -> str:
    """Return the name of a segment's object."""
    return f"{_PREFIX}{number:06}{_SUFFIX}"


def packed(number: int, offset: int, data: bytes) -> bytes:
    """Make the object of a segment.

    Args:
        number: Which one it is, from 1.
        offset: The bytes of the journal before it.
        data: Whole lines.
    """
    head = {"segment": number, "offset": offset, "bytes": len(data)}
    return compressed(json.dumps(head).encode() + b"\n" + data)


def unpacked(found: bytes, number: int, offset: int) -> bytes | None:
    """Return the lines in an object; None where it is torn, or not this segment."""
    content = decompressed(found)
    head, newline, data = (content or b"").partition(b"\n")
    try:
        described = json.loads(head)
    except (ValueError, RecursionError):
        return None
    whole = newline and described == {"segment": number, "offset": offset, "bytes": len(data)}
    return data if whole and data.endswith(b"\n") else None


def joined(read: Callable[[str], bytes | None]) -> tuple[bytes, int]:
    """Read a journal as far as its segments go.

    Args:
        read: Returns what the object of that name holds; None where there is none.

    Returns:
        The journal, and the number of its segments.
    """
    parts: list[bytes] = []
    offset = 0
    while True:
        found = read(name_of(len(parts) + 1))
        data = unpacked(found, len(parts) + 1, offset) if found is not None else None
        if data is None:
            return b"".join(parts), len(parts)
        parts.append(data)
        offset += len(data)


def compressed(data: bytes) -> bytes:
    """Compress, the same each time."""
    return gzip.compress(data, compresslevel=5, mtime=0)


def decompressed(data: bytes) -> bytes | None:
    """Undo `compressed`; None where it is torn."""
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return None
