from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.ledger.files import copy_atomically, write_atomically


@pytest.fixture(autouse=True)
def permissive() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def half(file: IO[bytes]) -> None:
    file.write(b"half")
    raise KeyboardInterrupt


def test_a_file_is_written(tmp_path: Path) -> None:
    write_atomically(tmp_path / "file", lambda file: file.write(b"whole"))
    assert (tmp_path / "file").read_bytes() == b"whole"
    assert mode_of(tmp_path / "file") == 0o600


def test_an_interrupt_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file", half)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_bytes(b"before")
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file", half)
    assert (tmp_path / "file").read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_folder_that_is_gone_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        write_atomically(tmp_path / "gone" / "file", lambda file: file.write(b"whole"))


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o600])
def test_a_public_file_keeps_the_permissions_that_it_had(tmp_path: Path, mode: int) -> None:
    (tmp_path / "file").touch(mode)
    write_atomically(tmp_path / "file", lambda file: file.write(b"whole"), owner_only=False)
    assert mode_of(tmp_path / "file") == mode


def test_a_new_public_file_gets_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "any").touch()
    write_atomically(tmp_path / "file", lambda file: file.write(b"whole"), owner_only=False)
    assert mode_of(tmp_path / "file") == mode_of(tmp_path / "any") == 0o644


@given(st.binary(max_size=100))
def test_a_copy_is_the_same_for_its_owner_only(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("copies")
    (folder / "public").write_bytes(content)
    copy_atomically(folder / "public", folder / "private")
    assert (folder / "private").read_bytes() == content
    assert mode_of(folder / "private") == 0o600


def test_nothing_is_copied_from_nothing(tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes(b"before")
    with pytest.raises(FileNotFoundError):
        copy_atomically(tmp_path / "gone", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"before"
