from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger import journal
from dbt_retry_plus.ledger.local import LocalLedger
from tests.support.dying import holding
from tests.support.ledgers import at, begin, changed_at, end, finish, header, record, start

RECORD = """
from pathlib import Path
from dbt_retry_plus.ledger.local import LocalLedger
opened = LocalLedger(Path(sys.argv[1])).open(sys.argv[2], '{"event":"invocation","invocation_id":"' + sys.argv[2] + '"}')
"""


@pytest.fixture
def ledger(tmp_path: Path) -> LocalLedger:
    return LocalLedger(tmp_path / "target" / "retry_plus")


def ids(ledger: LocalLedger) -> list[str]:
    return [entry.invocation_id for entry in ledger.entries()]


def damage(ledger: LocalLedger, invocation_id: str, changed: float) -> None:
    path = ledger.invocations / invocation_id / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:20])
    changed_at(path, changed)


def test_a_ledger_that_nobody_wrote_is_empty(ledger: LocalLedger) -> None:
    assert ids(ledger) == []
    assert not ledger.is_running("abc")
    ledger.sweep()
    ledger.discard("abc")
    assert not ledger.folder.exists()


def test_what_is_recorded_is_there(ledger: LocalLedger) -> None:
    record(ledger, "abc", start("a"), finish("a"), end(), retry_of="previous")
    (entry,) = ledger.entries()
    assert (entry.invocation_id, entry.started_at, entry.retry_of) == ("abc", header("abc")["started_at"], "previous")
    assert entry.folder == ledger.invocations / "abc"
    assert [line["event"] for line in journal.read_entries(entry.folder / "journal.jsonl")] == [
        "invocation",
        "start",
        "finish",
        "end",
    ]


def test_the_oldest_comes_first(ledger: LocalLedger) -> None:
    for minute, invocation_id in ((3, "a"), (1, "b"), (2, "c")):
        record(ledger, invocation_id, started_at=at(minute))
    record(ledger, "unknown", started_at=None)
    assert ids(ledger) == ["unknown", "b", "c", "a"]


def test_it_is_the_owners_alone(ledger: LocalLedger) -> None:
    before = os.umask(0)
    try:
        entry = record(ledger, "abc")
    finally:
        os.umask(before)
    for folder in (ledger.folder, ledger.invocations, ledger.folder / "running", entry.folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((entry.folder / "journal.jsonl").stat().st_mode) == 0o600


def test_an_invocation_is_not_recorded_twice(ledger: LocalLedger) -> None:
    record(ledger, "abc", start("a"))
    with pytest.raises(OSError, match="not empty"):
        begin(ledger, "abc")
    assert ids(ledger) == ["abc"]
    assert not ledger.is_running("abc")
    assert [path.name for path in ledger.invocations.iterdir()] == ["abc"]


def test_two_processes_do_not_record_one_invocation(ledger: LocalLedger) -> None:
    with holding(RECORD, ledger.folder, "abc"), pytest.raises(TimeoutError):
        begin(ledger, "abc")
    assert ids(ledger) == ["abc"]


def test_a_place_that_cannot_be_written_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        begin(LocalLedger(tmp_path / "target" / "retry_plus"), "abc")


def test_an_open_invocation_is_running_until_it_is_closed(ledger: LocalLedger) -> None:
    opened = begin(ledger, "abc")
    assert ledger.is_running("abc")
    opened.close()
    assert not ledger.is_running("abc")
    assert list((ledger.folder / "running").iterdir()) == []


def test_a_process_is_running_until_it_is_killed(ledger: LocalLedger) -> None:
    with holding(RECORD, ledger.folder, "abc") as process:
        assert ledger.is_running("abc")
        assert ids(ledger) == ["abc"]
        process.kill()
        process.wait()
        assert not ledger.is_running("abc")
        assert not ledger.is_running("abc")
    assert ids(ledger) == ["abc"]


def test_a_discarded_invocation_is_gone(ledger: LocalLedger) -> None:
    record(ledger, "abc")
    record(ledger, "def")
    ledger.discard("abc")
    ledger.discard("abc")
    assert [path.name for path in ledger.invocations.iterdir()] == ["def"]


def test_what_a_death_left_half_done_is_swept_away(ledger: LocalLedger) -> None:
    record(ledger, "abc")
    with holding(RECORD, ledger.folder, "busy"):
        for name in (".old-gone", ".new-begun", ".new-busy", ".foreign"):
            (ledger.invocations / name).mkdir()
            (ledger.invocations / name / "journal.jsonl").touch()
        assert sorted(ids(ledger)) == ["abc", "busy"]
        ledger.sweep()
        assert sorted(path.name for path in ledger.invocations.glob(".*")) == [".foreign", ".new-busy"]
    ledger.sweep()
    assert [path.name for path in ledger.invocations.glob(".*")] == [".foreign"]


def test_an_invocation_that_was_begun_and_never_recorded_can_be_recorded(ledger: LocalLedger) -> None:
    (ledger.invocations / ".new-abc" / "folder").mkdir(parents=True)
    record(ledger, "abc")
    assert [path.name for path in ledger.invocations.iterdir()] == ["abc"]


def test_foreign_files_and_folders_are_passed_over(ledger: LocalLedger) -> None:
    record(ledger, "abc")
    (ledger.invocations / "notes.txt").write_text("mine")
    (ledger.invocations / "journal.jsonl").write_text("mine")
    (ledger.invocations / "folder" / "journal").mkdir(parents=True)
    (ledger.invocations / "link").symlink_to("nowhere")
    (ledger.folder / "README").write_text("mine")
    assert ids(ledger) == ["abc"]
    ledger.sweep()
    assert (ledger.invocations / "folder" / "journal").is_dir()


def test_a_half_pruned_folder_is_passed_over(ledger: LocalLedger) -> None:
    record(ledger, "abc")
    entry = record(ledger, "def", started_at=at(5))
    (entry.folder / "manifest.json").touch()
    (entry.folder / "journal.jsonl").unlink()
    assert ids(ledger) == ["abc"]


def torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zeros(path: Path) -> None:
    path.write_bytes(bytes(4096))


def another_id(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"damaged", b"changed"))


def unreadable(path: Path) -> None:
    path.unlink()
    path.mkdir()


def loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


DAMAGES = (torn, empty, zeros, another_id, unreadable, loop)


@pytest.mark.parametrize("damaging", DAMAGES)
def test_a_damaged_newest_invocation_is_refused(ledger: LocalLedger, damaging: Callable[[Path], None]) -> None:
    changed_at(record(ledger, "abc").folder / "journal.jsonl", 1000)
    path = record(ledger, "damaged").folder / "journal.jsonl"
    damaging(path)
    with pytest.raises(RetryRefusedError) as refused:
        ledger.entries()
    assert str(refused.value) == (
        f"The record of the newest invocation, '{path}', is damaged, so what it left unproven is unknown. "
        "Run its dbt command again, or delete that folder to retry the invocation before it."
    )
    shutil.rmtree(path.parent)
    assert ids(ledger) == ["abc"]


@pytest.mark.parametrize("damaging", DAMAGES)
def test_the_only_invocation_is_the_newest(ledger: LocalLedger, damaging: Callable[[Path], None]) -> None:
    damaging(record(ledger, "damaged").folder / "journal.jsonl")
    with pytest.raises(RetryRefusedError, match="is damaged"):
        ledger.entries()


@pytest.mark.parametrize("damaging", DAMAGES[:4])
def test_an_older_damaged_invocation_is_passed_over(ledger: LocalLedger, damaging: Callable[[Path], None]) -> None:
    path = record(ledger, "damaged").folder / "journal.jsonl"
    damaging(path)
    changed_at(path, 1000)
    changed_at(record(ledger, "abc").folder / "journal.jsonl", 2000)
    assert ids(ledger) == ["abc"]


def test_where_ages_are_lost_the_damaged_one_may_be_the_newest(ledger: LocalLedger) -> None:
    changed_at(record(ledger, "abc").folder / "journal.jsonl", 1000)
    record(ledger, "damaged")
    damage(ledger, "damaged", 1000)
    with pytest.raises(RetryRefusedError, match="is damaged"):
        ledger.entries()


def test_a_newer_schema_is_refused_wherever_it_is(ledger: LocalLedger) -> None:
    record(ledger, "newer", schema="dbt-retry-plus/journal/v2")
    record(ledger, "abc", started_at=at(9))
    with pytest.raises(RetryRefusedError, match=r"was written by a newer dbt-retry-plus \(journal v2"):
        ledger.entries()


def test_a_ledger_that_cannot_be_read_is_refused(ledger: LocalLedger) -> None:
    ledger.folder.mkdir(parents=True)
    ledger.invocations.touch()
    with pytest.raises(RetryRefusedError) as refused:
        ledger.entries()
    assert str(refused.value) == (
        f"Could not read the ledger in '{ledger.invocations}': Not a directory. Make it readable, or delete it."
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_wrong_permissions_hide_no_invocation(ledger: LocalLedger) -> None:
    entry = record(ledger, "abc")
    for path in (entry.folder, ledger.invocations):
        path.chmod(0)
        try:
            with pytest.raises(RetryRefusedError):
                ledger.entries()
        finally:
            path.chmod(0o700)


def test_a_retry_of_something_odd_is_a_retry_of_nothing(ledger: LocalLedger) -> None:
    assert record(ledger, "abc", retry_of=["previous"]).retry_of is None
