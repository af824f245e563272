from __future__ import annotations

import json
import os
import re
import socket
from pathlib import Path

import pytest

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.lock import only_retry, refuse_second_retry
from tests.support.dying import holding

LOCK = """
from pathlib import Path
from dbt_retry_plus.ledger.lock import only_retry
lock = only_retry(Path(sys.argv[1]))
lock.__enter__()
"""
HOLDER = "retry.holder.json"


def refused_by(folder: Path) -> str:
    with pytest.raises(RetryRefusedError) as first:
        refuse_second_retry(folder)
    with pytest.raises(RetryRefusedError) as second, only_retry(folder):
        pytest.fail("two retries at once")
    assert str(first.value) == str(second.value)
    return str(first.value)


def test_one_retry_after_the_other(tmp_path: Path) -> None:
    for _ in range(2):
        refuse_second_retry(tmp_path / "target" / "retry_plus")
        with only_retry(tmp_path / "target" / "retry_plus"):
            pass


def test_two_retries_of_different_folders_at_once(tmp_path: Path) -> None:
    with only_retry(tmp_path / "a"), only_retry(tmp_path / "b"):
        refuse_second_retry(tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_the_second_of_two_processes_is_told_who_the_first_is(tmp_path: Path) -> None:
    with holding(LOCK, tmp_path) as first:
        assert re.fullmatch(
            r"Another retry of the same target folder is running "
            rf"\(process {first.pid} on {re.escape(socket.gethostname())}, since [-0-9]+T[:0-9]+\+00:00\)\. "
            r"Wait until it has ended, or stop it\.",
            refused_by(tmp_path),
        )


def test_a_killed_process_leaves_no_stuck_lock(tmp_path: Path) -> None:
    with holding(LOCK, tmp_path) as first:
        first.kill()
        first.wait()
        assert (tmp_path / HOLDER).exists()
        refuse_second_retry(tmp_path)
        with only_retry(tmp_path):
            assert json.loads((tmp_path / HOLDER).read_bytes())["pid"] == os.getpid()
    assert not (tmp_path / HOLDER).exists()


def test_two_retries_in_one_process_exclude_each_other_too(tmp_path: Path) -> None:
    with only_retry(tmp_path):
        assert f"(process {os.getpid()} on " in refused_by(tmp_path)


def test_an_error_lets_go_of_the_lock(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), only_retry(tmp_path):
        raise KeyboardInterrupt
    refuse_second_retry(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"{}", b'{"pid":"x","host":"y","since":"z"}'])
def test_a_holder_that_cannot_be_read_is_not_named(tmp_path: Path, content: bytes) -> None:
    with only_retry(tmp_path):
        (tmp_path / HOLDER).write_bytes(content)
        assert "is running. Wait" in refused_by(tmp_path)


def test_who_holds_it_need_not_be_written_down(tmp_path: Path) -> None:
    (tmp_path / HOLDER).mkdir()
    with only_retry(tmp_path):
        assert "is running. Wait" in refused_by(tmp_path)
    refuse_second_retry(tmp_path)


def test_a_folder_that_cannot_be_made_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    with pytest.raises(RetryRefusedError) as refused, only_retry(tmp_path / "target" / "retry_plus"):
        pytest.fail("locked")
    assert str(refused.value) == (
        f"Could not lock '{tmp_path}/target/retry_plus': Not a directory. "
        "dbt writes its artifacts there: make the folder writable."
    )
