"""Segments: the pieces in which a journal is shipped, each an object that never changes once it is there.

A segment says which one it is and at which byte of the journal it begins. What is torn, missing or out of its place
ends the journal, as a torn line does: what it would have proven counts as unproven.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass

WHOLE = 0
"""The number of the one segment that holds a whole journal, written when its command has ended."""

_PREFIX, _SUFFIX = "journal/", ".gz"


def name_of(number: int) -> str:
    """Return the name of a segment's object."""
    return f"{_PREFIX}{number:06}{_SUFFIX}"


@dataclass(frozen=True)
class Segment:
    """What an object holds of a journal.

    Attributes:
        lines: Whole lines.
        manifest: Whether the manifest that they tell of had been shipped before them. A reader that does not see it
            does not see what ran from it either: nobody could tell whether that is today's code.
    """

    lines: bytes
    manifest: bool = False


def packed(number: int, offset: int, segment: Segment) -> bytes:
    """Make the object of a segment.

    Args:
        number: Which one it is, from 1; or `WHOLE`.
        offset: The bytes of the journal before it.
        segment: What it holds.
    """
    head = {"segment": number, "offset": offset, "bytes": len(segment.lines), "manifest": segment.manifest}
    return compressed(json.dumps(head).encode() + b"\n" + segment.lines)


def unpacked(found: bytes | None, number: int, offset: int) -> Segment | None:
    """Return what an object holds; None where it is not there, torn, or not this segment."""
    head, _, lines = ((decompressed(found) if found else None) or b"").partition(b"\n")
    try:
        described = json.loads(head)
    except (ValueError, RecursionError):
        return None
    if not isinstance(described, dict) or not lines.endswith(b"\n"):
        return None
    manifest = described.pop("manifest", None) is True
    whole = described == {"segment": number, "offset": offset, "bytes": len(lines)}
    return Segment(lines, manifest) if whole else None


def joined(read: Callable[[str], bytes | None], *, manifest: bool) -> tuple[bytes, int]:
    """Read a journal as far as its segments go.

    Args:
        read: Returns what the object of that name holds; None where there is none.
        manifest: Whether the manifest is there, where it matters.

    Returns:
        The journal, and the number of its segments.
    """
    parts: list[bytes] = []
    offset = 0
    while True:
        segment = unpacked(read(name_of(len(parts) + 1)), len(parts) + 1, offset)
        if segment is None or (segment.manifest and not manifest):
            return b"".join(parts), len(parts)
        parts.append(segment.lines)
        offset += len(segment.lines)


def compressed(data: bytes) -> bytes:
    """Compress, the same each time."""
    return gzip.compress(data, compresslevel=5, mtime=0)


def decompressed(data: bytes) -> bytes | None:
    """Undo `compressed`; None where it is torn."""
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return None
