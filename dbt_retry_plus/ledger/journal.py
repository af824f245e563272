"""The journal: an append-only file that an invocation writes while it runs, one JSON line per event.

A line is handed to the operating system before dbt goes on, so it survives the death of the process by any signal.
A line that was cut off by such a death ends the journal. Each line ends with a checksum of itself, which every later
schema keeps: one changed byte can make of a failed node's name that of a proven one, or of a project another one.
"""

from __future__ import annotations

import json
import os
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger import quick_json

JOURNAL = "journal.jsonl"
SCHEMA: Final = "dbt-retry-plus/journal/v1"
_SCHEMA_NAME, _SCHEMA_VERSION = SCHEMA.rsplit("/v", 1)

INVOCATION, STATE, SELECTION, START, FINISH, BATCH, ATTEMPT, ERROR, END = (
    "invocation",
    "state",
    "selection",
    "start",
    "finish",
    "batch",
    "attempt",
    "error",
    "end",
)
"""The kinds of lines: the first, the project's state, the selection, a node's start and finish, …, the last."""

OWNER_ONLY_FILE: Final = 0o600
LONGEST_MESSAGE: Final = 4000  # characters of an error

_OF_NODES = (b'{"event":"start",', b'{"event":"finish",')
_CHECKSUM = b',"crc32":"%08x"}\n'
_CHECKSUM_LENGTH = len(_CHECKSUM % 0)
_CLOSED = -1


class JournalWriter:
    """Appends lines to one journal, from any thread."""

    def __init__(self, path: Path) -> None:
        """Create the file, readable by its owner only.

        Raises:
            OSError: It exists already, or cannot be created.
        """
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, OWNER_ONLY_FILE)
        self._lock = threading.Lock()

    def append(self, line: str) -> None:
        """Write one line, a JSON object that holds no newline, and hand it to the operating system.

        Raises:
            OSError: The disk is full, or the journal is closed.
        """
        data = _seal(line)
        with self._lock:
            while data:  # a signal or a full disk can cut a write short
                data = data[os.write(self._descriptor, data) :]

    def close(self) -> None:
        """Close the file; appending is an error from here on, and never ends up in another file."""
        with self._lock:
            descriptor, self._descriptor = self._descriptor, _CLOSED
        if descriptor != _CLOSED:
            os.close(descriptor)


def encode(entry: Mapping[str, Any], other_kinds: Callable[[Any], Any] = str) -> str:
    """Turn an entry into the text of its line.

    Args:
        entry: What to write.
        other_kinds: Makes of a value that JSON lacks one that it has.
    """
    return json.dumps(entry, separators=(",", ":"), ensure_ascii=False, default=other_kinds)


def with_json_keys(value: Any) -> Any:
    """Make texts of the keys that JSON lacks, at any depth: in YAML, and so in `--vars`, a key can be a date.

    dbt runs with such keys, and ends with a traceback when it writes its results.
    """
    if isinstance(value, Mapping):
        known = (str, int, float, type(None))
        return {key if isinstance(key, known) else str(key): with_json_keys(item) for key, item in value.items()}
    return [with_json_keys(item) for item in value] if isinstance(value, (list, tuple)) else value


def time_text(moment: datetime) -> str:
    """Return a time (UTC) as journals write it: ISO 8601, microseconds, so that texts sort as times do."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def now() -> str:
    """Return the time as journals write it."""
    return time_text(datetime.now(timezone.utc))


def read_entries(path: Path) -> Iterator[dict[str, Any]]:
    """Read the entries of a journal, up to the first line that is not whole.

    What follows a damaged line was written later and is left out with it: nodes that it would have proven
    count as unproven, never the other way round.

    Raises:
        OSError: The file cannot be read.
        RetryRefusedError: A newer version of this package wrote it.
    """
    with path.open("rb") as file:
        yield from decoded(file, path)


def decoded(lines: Iterable[bytes], path: Path) -> Iterator[dict[str, Any]]:
    """Make entries of the lines of a journal, up to the first one that is not whole.

    Args:
        lines: The lines, each with its newline.
        path: Where they are from, for messages.

    Raises:
        RetryRefusedError: A newer version of this package wrote them.
    """
    decode = json.JSONDecoder().raw_decode  # `loads` looks for blanks around, of which a line has none
    for number, line in enumerate(lines):
        entry = _decode(line, decode)
        if entry is None:
            return
        if number == 0:
            _check_schema(entry, path)
        yield entry


def read_first_entry(path: Path) -> dict[str, Any] | None:
    """Read who wrote a journal, what and when; None where the first line is damaged.

    Raises:
        OSError: The file cannot be read.
        RetryRefusedError: A newer version of this package wrote it.
    """
    return next(read_entries(path), None)


def _seal(line: str) -> bytes:
    """The bytes of a line with its checksum; names of files can hold what is not UTF-8, and come back as they were."""
    data = line.encode("utf-8", "surrogatepass")
    return data[:-1] + _CHECKSUM % zlib.crc32(data)


def _decode(line: bytes, decode: Callable[[str], tuple[Any, int]]) -> dict[str, Any] | None:
    data = line[:-_CHECKSUM_LENGTH] + b"}"
    if not line.endswith(_CHECKSUM % zlib.crc32(data)):
        return None
    if data.startswith(_OF_NODES):
        of_node = _of_node(data)
        if of_node is not None:
            return of_node
    try:
        text = data.decode("utf-8", "surrogatepass")
        entry, end = decode(text)
    except (ValueError, RecursionError):
        return None
    whole = end == len(text) and isinstance(entry, dict) and isinstance(entry.get("event"), str)
    return entry if whole else None


def _of_node(data: bytes) -> dict[str, Any] | None:
    """Decode a line of a node, of which a large project has many; None where that is to be done with more care."""
    try:
        entry: dict[str, Any] = quick_json.decoded(data)
    except ValueError:
        return None
    row = entry.get("row")
    exact = row is None or (isinstance(row, dict) and quick_json.as_written(row))
    return entry if exact and isinstance(entry["event"], str) else None


def _check_schema(entry: Mapping[str, Any], path: Path) -> None:
    name, _, version = str(entry.get("schema")).rpartition("/v")
    if name == _SCHEMA_NAME and version != _SCHEMA_VERSION:
        raise RetryRefusedError(
            f"'{path}' was written by a newer dbt-retry-plus (journal v{version}, this one reads v{_SCHEMA_VERSION}). "
            f"Upgrade dbt-retry-plus, or delete '{path.parent}'."
        )
