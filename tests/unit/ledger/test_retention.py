from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.ledger.retention import prune
from dbt_retry_plus.planning.chain import chains_of
from dbt_retry_plus.settings import Settings
from tests.support.dying import holding
from tests.support.ledgers import at, begin, changed_at, record

RECORD = """
from pathlib import Path
from dbt_retry_plus.ledger.journal import encode
from dbt_retry_plus.ledger.local import LocalLedger
from tests.support.ledgers import header
opened = LocalLedger(Path(sys.argv[1])).open("oldest", encode(header("oldest", started_at="2026")))
"""


@pytest.fixture
def ledger(tmp_path: Path) -> LocalLedger:
    return LocalLedger(tmp_path)


def ids(ledger: LocalLedger) -> list[str]:
    return [entry.invocation_id for entry in ledger.entries()]


def filled(ledger: LocalLedger, retried: dict[str, str | None], kilobytes: int = 0) -> LocalLedger:
    for minute, (invocation_id, previous) in enumerate(retried.items()):
        entry = record(ledger, invocation_id, started_at=at(minute), retry_of=previous)
        (entry.folder / "manifest.json").write_bytes(bytes(kilobytes * 1000))
    return ledger


def test_an_empty_ledger_stays_empty(ledger: LocalLedger) -> None:
    prune(ledger, Settings())
    assert ids(ledger) == []


def test_the_oldest_go_first(ledger: LocalLedger) -> None:
    filled(ledger, dict.fromkeys("abcd"))
    prune(ledger, Settings(keep_invocations=4))
    assert ids(ledger) == ["a", "b", "c", "d"]
    prune(ledger, Settings(keep_invocations=2))
    assert ids(ledger) == ["c", "d"]
    assert sorted(path.name for path in ledger.invocations.iterdir()) == ["c", "d"]


def test_a_ledger_does_not_grow_too_large(ledger: LocalLedger) -> None:
    filled(ledger, dict.fromkeys("abcd"), kilobytes=600)
    prune(ledger, Settings(keep_megabytes=2))
    assert ids(ledger) == ["b", "c", "d"]
    prune(ledger, Settings(keep_megabytes=1))
    assert ids(ledger) == ["d"]


def test_a_chain_goes_as_a_whole(ledger: LocalLedger) -> None:
    filled(ledger, {"build": None, "other": None, "retry": "build", "last": None})
    prune(ledger, Settings(keep_invocations=3))
    assert ids(ledger) == ["build", "retry", "last"]
    prune(ledger, Settings(keep_invocations=2))
    assert ids(ledger) == ["last"]


def test_the_newest_chain_stays_however_large(ledger: LocalLedger) -> None:
    filled(ledger, {"build": None, "retry": "build", "again": "retry"}, kilobytes=1000)
    prune(ledger, Settings(keep_invocations=1, keep_megabytes=1))
    assert ids(ledger) == ["build", "retry", "again"]


def test_what_runs_stays(ledger: LocalLedger) -> None:
    running = begin(ledger, "oldest", started_at="2026")
    filled(ledger, {"retry": "oldest", "a": None, "b": None})
    prune(ledger, Settings(keep_invocations=1))
    assert ids(ledger) == ["oldest", "retry", "b"]
    running.close()
    prune(ledger, Settings(keep_invocations=1))
    assert ids(ledger) == ["b"]


def test_what_runs_in_another_process_stays_until_it_dies(ledger: LocalLedger) -> None:
    with holding(RECORD, ledger.folder) as process:
        filled(ledger, dict.fromkeys("ab"))
        prune(ledger, Settings(keep_invocations=1))
        assert ids(ledger) == ["oldest", "b"]
        process.kill()
        process.wait()
        prune(ledger, Settings(keep_invocations=1))
        assert ids(ledger) == ["b"]
        assert list((ledger.folder / "running").iterdir()) == []


def test_what_is_not_ours_stays(ledger: LocalLedger) -> None:
    filled(ledger, dict.fromkeys("abc"))
    (ledger.invocations / "notes").mkdir()
    (ledger.invocations / "notes" / "mine.txt").write_text("mine")
    (ledger.invocations / "a" / "folder").mkdir()
    prune(ledger, Settings(keep_invocations=1))
    assert ids(ledger) == ["c"]
    assert (ledger.invocations / "notes" / "mine.txt").read_text() == "mine"


def test_leftovers_of_a_death_go(ledger: LocalLedger) -> None:
    filled(ledger, dict.fromkeys("a"))
    (ledger.invocations / ".old-gone").mkdir()
    (ledger.invocations / ".new-begun").mkdir()
    prune(ledger, Settings())
    assert [path.name for path in ledger.invocations.iterdir()] == ["a"]


def test_a_ledger_of_a_newer_version_is_left_alone(ledger: LocalLedger) -> None:
    filled(ledger, dict.fromkeys("abc"))
    record(ledger, "newer", schema="dbt-retry-plus/journal/v2")
    prune(ledger, Settings(keep_invocations=1))
    assert sorted(path.name for path in ledger.invocations.iterdir()) == ["a", "b", "c", "newer"]


def test_damage_stops_no_pruning_of_what_is_whole(ledger: LocalLedger) -> None:
    filled(ledger, dict.fromkeys("abc"))
    (ledger.invocations / "a" / "journal.jsonl").write_bytes(b"garbage")
    changed_at(ledger.invocations / "a" / "journal.jsonl", 1000)
    prune(ledger, Settings(keep_invocations=1))
    assert ids(ledger) == ["c"]


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.none() | st.sampled_from("abcdefz"), min_size=1), st.integers(1, 6)
)
def test_only_whole_chains_go_and_no_more_than_need_be(
    tmp_path_factory: pytest.TempPathFactory, retried: dict[str, str | None], keep: int
) -> None:
    ledger = filled(LocalLedger(tmp_path_factory.mktemp("ledger")), retried)
    prune(ledger, Settings(keep_invocations=keep))
    kept = set(ids(ledger))
    chains = sorted(chains_of(retried), key=lambda chain: max(list(retried).index(link) for link in chain))
    whole = [chain for chain in chains if kept.issuperset(chain)]
    assert kept == {link for chain in whole for link in chain}
    assert whole == chains[len(chains) - len(whole) :]
    assert len(kept) <= keep or len(whole) == 1
    if len(whole) < len(chains):
        assert len(kept) + len(chains[-len(whole) - 1]) > keep
