"""The partial-parse file read node by node, and not as one document of everything first.

Of a large project that document takes as much memory as the objects that are made of it, all of it before the first
of them. Here each node is decoded when its turn comes, and its document goes when the next one comes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgpack  # type: ignore[import-untyped]  # it ships no types
from dbt.parser import manifest

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced

_DECODE, _EXTENSIONS = "extended_mashumuro_decoder", "extended_msgpack_decoder"
_READ = "read_manifest_for_partial_parse"
_LARGE = frozenset({"nodes", "files"})
_READ_SIZE = 1 << 16  # bytes
# A float with all bits of its exponent set. In text no such byte follows the first; inside of other numbers one can.
_NOT_FINITE = re.compile(rb"\xcb[\x7f\xff][\xf0-\xff]")


class Entries:
    """The entries of a mapping in the file, decoded as they are gone through: all that is done with it.

    Attributes:
        doubtful: The names of those entries so far that may have a number in them that is not finite.
    """

    def __init__(self, content: bytes, start: int) -> None:
        """Know where in a document the mapping begins."""
        self._content, self._start = content, start
        self.doubtful: set[str] = set()

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield the names and the documents."""
        content, end = self._content, self._start
        unpacker = _unpacker(content, end)
        for _ in range(unpacker.read_map_header()):
            name, document = _name(unpacker), unpacker.unpack()
            begin, end = end, self._start + unpacker.tell()
            if _NOT_FINITE.search(content, begin, end):
                self.doubtful.add(name)
            yield name, document


@contextmanager
def _node_by_node() -> Iterator[None]:
    dbts_own = vars(manifest)[_DECODE]

    def decode(content: bytes) -> Any:
        try:
            return _outline(content)
        except Exception:  # what is wrong with the whole of the file, dbt says
            return dbts_own(content)

    with replaced(manifest, _DECODE, decode):
        yield


def _outline(content: bytes) -> dict[str, Any]:
    """The document, with its large sections still to be decoded; all of it has been gone through once."""
    unpacker = _unpacker(content, 0)
    document: dict[str, Any] = {}
    for _ in range(unpacker.read_map_header()):
        name = _name(unpacker)
        if name in _LARGE:
            document[name] = Entries(content, unpacker.tell())
            unpacker.skip()
        else:
            document[name] = unpacker.unpack()
    if unpacker.tell() != len(content):
        raise ValueError("there is more than one document")
    return document


def _name(unpacker: Any) -> str:
    name = unpacker.unpack()
    if not isinstance(name, str):
        raise TypeError(name)
    return name


def _unpacker(content: bytes, start: int) -> Any:
    file = io.BytesIO(content)
    file.seek(start)
    return msgpack.Unpacker(
        file, read_size=_READ_SIZE, max_buffer_size=0, raw=False, ext_hook=vars(manifest)[_EXTENSIONS]
    )


STORED_MANIFEST = Piece(
    "stored_manifest",
    _node_by_node,
    {
        f"dbt.parser.manifest:{_DECODE}": frozenset({"7911735d"}),
        f"dbt.parser.manifest:{_EXTENSIONS}": frozenset({"0fae991d"}),
        f"dbt.parser.manifest:ManifestLoader.{_READ}": frozenset({"c0a283d3", "96cc6cd9", "09f196ad"}),
        "mashumaro.core.meta.types.unpack:unpack_collection": frozenset({"c0787b85", "cb2d11c2", "4c42dad3"}),
    },
)
