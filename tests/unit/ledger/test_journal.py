from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.journal import SCHEMA, JournalWriter, encode, read_entries, read_first_entry
from tests.support.ledgers import end, finish, header, selection, start

ENTRIES = [header("abc"), selection("a", "ü"), start("a"), finish("a"), start("ü"), finish("ü", "error"), end()]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def written(folder: Path, *entries: Any) -> Path:
    path = folder / "journal.jsonl"
    path.unlink(missing_ok=True)
    writer = JournalWriter(path)
    for entry in entries:
        writer.append(encode(entry))
    writer.close()
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journal")


@given(st.lists(st.dictionaries(st.text(), JSON, max_size=3), max_size=4))
def test_what_is_written_is_read(folder: Path, entries: list[dict[str, Any]]) -> None:
    wanted = [{**entry, "event": "note"} for entry in entries]
    assert list(read_entries(written(folder, *wanted))) == wanted


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_comes_back_as_it_was(folder: Path, text: str) -> None:
    entry = {"event": "note", text: text}
    assert read_first_entry(written(folder, entry)) == entry


def test_each_line_is_a_json_object_for_whoever_reads_it(tmp_path: Path) -> None:
    lines = written(tmp_path, *ENTRIES).read_text().splitlines()
    assert [{**json.loads(line), "crc32": ...} for line in lines] == [{**entry, "crc32": ...} for entry in ENTRIES]


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = written(tmp_path, *ENTRIES)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_journal_is_not_written_twice(tmp_path: Path) -> None:
    path = written(tmp_path, *ENTRIES)
    with pytest.raises(FileExistsError):
        JournalWriter(path)


def test_a_line_is_there_before_the_writer_is_closed(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "journal.jsonl")
    writer.append(encode(ENTRIES[0]))
    assert list(read_entries(tmp_path / "journal.jsonl")) == ENTRIES[:1]
    writer.close()


def test_a_cut_at_any_byte_leaves_the_whole_lines(tmp_path: Path) -> None:
    entries = [{"event": "invocation", "of": "ü"}, start("ü"), end()]
    path = written(tmp_path, *entries)
    content = path.read_bytes()
    for length in range(len(content) + 1):
        path.write_bytes(content[:length])
        assert list(read_entries(path)) == entries[: content[:length].count(b"\n")]


@pytest.mark.parametrize("length", [1, 4096, 100_000])
def test_zeros_that_a_lost_block_leaves_end_the_journal(tmp_path: Path, length: int) -> None:
    path = written(tmp_path, *ENTRIES)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + bytes(length) + b"".join(lines[3:]))
    assert list(read_entries(path)) == ENTRIES[:3]
    path.write_bytes(bytes(length))
    assert read_first_entry(path) is None


@given(st.data())
def test_a_changed_byte_ends_the_journal_before_its_line(folder: Path, data: st.DataObject) -> None:
    path = written(folder, *ENTRIES)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    line = bytes(content[:place]).count(b"\n")
    assert list(read_entries(path)) == ENTRIES[:line]


@pytest.mark.parametrize(
    "garbage",
    [
        b"\n",
        b"\xff\xfe\n",
        b"null\n",
        b"[]\n",
        b"{}\n",
        b'{"event":"end","complete":true}\n',
        b'{"event":"end","complete":true,"crc32":"00000000"}\n',
        b"[" * 100_000 + b"\n",
        b'"' + b"x" * 100_000 + b'"\n',
    ],
)
def test_garbage_ends_the_journal(tmp_path: Path, garbage: bytes) -> None:
    path = written(tmp_path, *ENTRIES)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], garbage, *lines[2:]]))
    assert list(read_entries(path)) == ENTRIES[:2]
    path.write_bytes(garbage + b"".join(lines))
    assert list(read_entries(path)) == []


@pytest.mark.parametrize("entry", [{}, {"event": 1}, {"event": None}, {"node": "a"}])
def test_a_line_that_is_no_event_ends_the_journal(tmp_path: Path, entry: dict[str, Any]) -> None:
    assert list(read_entries(written(tmp_path, ENTRIES[0], {"a": 1, **entry}, *ENTRIES[1:]))) == ENTRIES[:1]


def test_nesting_without_end_ends_the_journal(tmp_path: Path) -> None:
    path = written(tmp_path)
    writer = JournalWriter(tmp_path / "deep.jsonl")
    writer.append('{"event":"note","deep":' + "[" * 100_000 + "]" * 100_000 + "}")
    writer.close()
    assert list(read_entries(tmp_path / "deep.jsonl")) == list(read_entries(path)) == []


def test_a_missing_journal_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_first_entry(tmp_path / "journal.jsonl")


@pytest.mark.parametrize("version", ["2", "10", "1.1", "x"])
def test_a_newer_schema_is_refused_in_a_sentence(tmp_path: Path, version: str) -> None:
    path = written(tmp_path, header("abc", schema=SCHEMA.replace("/v1", f"/v{version}")), *ENTRIES[1:])
    for read in (read_first_entry, lambda journal: list(read_entries(journal))):
        with pytest.raises(RetryRefusedError) as refused:
            read(path)
        assert str(refused.value) == (
            f"'{path}' was written by a newer dbt-retry-plus (journal v{version}, this one reads v1). "
            f"Upgrade dbt-retry-plus, or delete '{tmp_path}'."
        )


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    writer = JournalWriter(path)

    def write(thread: int) -> None:
        for number in range(100):
            writer.append(encode({"event": "note", "thread": thread, "number": number, "text": "x" * number * 50}))

    threads = [threading.Thread(target=write, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    seen = list(read_entries(path))
    assert len(seen) == 800
    for thread in range(8):
        assert [entry["number"] for entry in seen if entry["thread"] == thread] == list(range(100))


def test_a_late_line_goes_nowhere(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "journal.jsonl")
    writer.close()
    writer.close()
    with (tmp_path / "another.json").open("wb") as another:  # the system gives it the number that has become free
        with pytest.raises(OSError, match="Bad file descriptor"):
            writer.append(encode(start("a")))
        another.flush()
    assert (tmp_path / "another.json").read_bytes() == b""
    assert (tmp_path / "journal.jsonl").read_bytes() == b""


def test_a_value_that_json_lacks_is_written_as_text() -> None:
    assert json.loads(encode({"path": Path("models"), "set": 1})) == {"path": "models", "set": 1}
    assert json.loads(encode({"set": {2}}, list)) == {"set": [2]}
