from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger import journal
from dbt_retry_plus.ledger.local import LedgerEntry, LocalLedger
from dbt_retry_plus.ledger.recorded import read_recorded
from dbt_retry_plus.planning.chain import fold
from dbt_retry_plus.types import Invocation
from dbt_retry_plus.words import INTERRUPTED
from tests.support.ledgers import end, finish, header, ran, record, run_results, selection, start, write_run_results

A, B, C = "model.shop.m1", "model.shop.m2", "model.shop.m3"


@pytest.fixture
def ledger(tmp_path: Path) -> LocalLedger:
    return LocalLedger(tmp_path)


def recorded(ledger: LocalLedger, *lines: Any, **changes: Any) -> Invocation:
    return read_recorded(record(ledger, "abc", *lines, **changes))


def statuses_of(invocation: Invocation) -> dict[str, str]:
    return {outcome.unique_id: outcome.status for outcome in invocation.outcomes.values()}


def test_a_whole_record_is_read(ledger: LocalLedger) -> None:
    invocation = recorded(ledger, *ran({A: "success", B: "error"}), retry_of="before")
    assert statuses_of(invocation) == {A: "success", B: "error"}
    assert (invocation.invocation_id, invocation.command, invocation.retry_of) == ("abc", "build", "before")
    assert (invocation.ended, invocation.succeeded, invocation.duration) == (True, False, 2.5)
    assert invocation.selection == {A, B}
    assert (invocation.expected_nodes, invocation.recorded) == (2, True)
    assert not invocation.tells_all, "a build that fails may have skipped unit tests in silence"
    assert invocation.started_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    assert (invocation.project, invocation.profile, invocation.target) == ("shop", "shop", "dev")
    assert (invocation.host, invocation.process_id, invocation.dbt_version) == ("here", 42, "1.11.16")
    assert invocation.arguments == {"which": "build", "threads": 4}
    assert invocation.outcomes[A].execution_time == 1.0


def test_a_node_that_started_and_never_finished_is_interrupted(ledger: LocalLedger) -> None:
    invocation = recorded(ledger, selection(A, B, C), start(A), start(B), finish(A))
    assert statuses_of(invocation) == {A: "success", B: INTERRUPTED}
    assert not invocation.ended
    assert not invocation.tells_all
    assert invocation.succeeded is None


def test_a_node_that_started_again_is_interrupted(ledger: LocalLedger) -> None:
    assert statuses_of(recorded(ledger, start(A), finish(A), start(A))) == {A: INTERRUPTED}


def test_a_finished_batch_is_no_finished_model(ledger: LocalLedger) -> None:
    batches = [start(A), start(A), finish(A), start(A), finish(A)]
    assert statuses_of(recorded(ledger, *batches)) == {A: INTERRUPTED}


def test_a_model_is_finished_after_its_batches(ledger: LocalLedger) -> None:
    batches = [start(A), start(A), finish(A), start(A), finish(A, "error"), finish(A, "partial success")]
    assert statuses_of(recorded(ledger, *batches)) == {A: "partial success"}


def test_a_node_that_was_skipped_need_not_have_started(ledger: LocalLedger) -> None:
    assert statuses_of(recorded(ledger, finish(A, "skipped"), start(B), finish(B))) == {A: "skipped", B: "success"}


@pytest.mark.parametrize(
    "row",
    [
        None,
        {},
        [],
        {"status": None},
        {"status": ["success"]},
        {"status": "success", "execution_time": "long"},
        {"status": "success", "execution_time": 10**400},
        {"status": "success", "batch_results": []},
        {"status": "success", "overload_results": {"failed": 1}},
    ],
)
def test_a_damaged_row_proves_nothing(ledger: LocalLedger, row: Any) -> None:
    entry = record(ledger, "abc", start(A), {**finish(A), "row": row})
    assert statuses_of(read_recorded(entry)) == {A: INTERRUPTED}
    write_run_results(entry.folder, "abc", {A: "success"})
    assert statuses_of(read_recorded(entry)) == {A: INTERRUPTED}


def test_lines_of_another_shape_are_passed_over(ledger: LocalLedger) -> None:
    odd = [{"event": "start", "node": 1}, {"event": "finish", "node": None}, {"event": "from the future"}]
    assert statuses_of(recorded(ledger, *odd, {"event": "finish"}, start(A))) == {A: INTERRUPTED}


def test_an_error_and_an_end_that_is_none(ledger: LocalLedger) -> None:
    invocation = recorded(ledger, {"event": journal.ERROR, "message": "boom"}, end(complete=False, success=None))
    assert (invocation.error, invocation.ended, invocation.succeeded) == ("boom", False, None)


@pytest.mark.parametrize("changes", [{"complete": 1}, {"success": "true"}, {"elapsed": 10**400}, {"elapsed": "x"}])
def test_an_end_of_another_shape_never_raises(ledger: LocalLedger, changes: dict[str, Any]) -> None:
    invocation = recorded(ledger, {**end(), **changes})
    assert invocation.ended == (changes.keys() != {"complete"})
    assert invocation.succeeded == (None if "success" in changes else True)
    assert invocation.duration == (None if "elapsed" in changes else 2.5)


@pytest.mark.parametrize("value", [None, 1, [], {}, ["x"]])
def test_a_header_of_another_shape_never_raises(ledger: LocalLedger, value: Any) -> None:
    names = ("started_at", "command", "arguments", "retry_of", "profile", "target", "host", "pid", "dbt_version")
    invocation = recorded(ledger, **dict.fromkeys(names, value))
    assert invocation.started_at is None
    assert invocation.retry_of is None
    assert invocation.arguments == {}


def test_a_selection_settles_what_is_run(ledger: LocalLedger) -> None:
    settled = selection(A, whole=[A, B], expected=None, command="run", arguments={"which": "run"})
    invocation = recorded(ledger, settled, command="retry")
    assert (invocation.command, invocation.arguments) == ("run", {"which": "run"})
    assert invocation.selection == {A}
    assert invocation.whole_selection == {A, B}
    assert invocation.expected_nodes is None


@pytest.mark.parametrize("odd", [{"nodes": None}, {"nodes": "all"}, {"expected": "two"}, {"arguments": []}])
def test_a_selection_of_another_shape_is_unknown(ledger: LocalLedger, odd: dict[str, Any]) -> None:
    invocation = recorded(ledger, {**selection(A, B), **odd})
    assert (invocation.selection is None) == ("nodes" in odd)
    assert (invocation.expected_nodes is None) == ("expected" in odd)
    assert invocation.command == "build"


def test_fewer_outcomes_than_announced_do_not_tell_all(ledger: LocalLedger) -> None:
    assert not recorded(ledger, selection(A, B), start(A), finish(A), end()).tells_all


def test_its_own_results_know_more_than_its_journal(ledger: LocalLedger) -> None:
    batches = {"successful": [], "failed": [["2026-01-01", "2026-01-02"]]}
    entry = record(ledger, "abc", start(A), finish(A, "partial success"), start(B), finish(B))
    row = {"unique_id": A, "status": "partial success", "batch_results": batches}
    write_run_results(entry.folder, "abc", {}, results=[row])
    invocation = read_recorded(entry)
    assert statuses_of(invocation) == {A: "partial success", B: "success"}
    assert invocation.outcomes[A].batch_results == batches


@pytest.mark.parametrize("lines", [[], [start(A)], [start(A), finish(A, "error")], [finish(A, "skipped")]])
def test_its_own_results_prove_nothing_that_its_journal_does_not(ledger: LocalLedger, lines: list[Any]) -> None:
    entry = record(ledger, "abc", *lines, end())
    before = statuses_of(read_recorded(entry))
    write_run_results(entry.folder, "abc", {A: "success"})
    assert statuses_of(read_recorded(entry)) == before


def test_its_own_results_can_revoke_a_proof(ledger: LocalLedger) -> None:
    entry = record(ledger, "abc", start(A), finish(A), end())
    write_run_results(entry.folder, "abc", {A: "error", B: "skipped"})
    assert statuses_of(read_recorded(entry)) == {A: "error", B: "skipped"}


def test_results_that_name_a_node_twice_do_not_lose_what_failed(ledger: LocalLedger) -> None:
    entry = record(ledger, "abc", end())
    rows = [{"unique_id": A, "status": status} for status in ("error", "success")]
    write_run_results(entry.folder, "abc", {}, results=rows)
    assert statuses_of(read_recorded(entry)) == {A: "error"}


def test_results_that_come_meanwhile_are_not_missed(ledger: LocalLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are there before the journal tells of the end."""
    entry = record(ledger, "abc", start(A), finish(A), end())
    read_entries = journal.read_entries

    def ending(path: Path) -> Iterator[dict[str, Any]]:
        write_run_results(entry.folder, "abc", {A: "error"})
        return read_entries(path)

    monkeypatch.setattr(journal, "read_entries", ending)
    assert statuses_of(read_recorded(entry)) == {A: "error"}


def test_a_run_operation_is_told_by_its_results_alone(ledger: LocalLedger) -> None:
    entry = record(ledger, "abc", end(), command="run-operation")
    write_run_results(entry.folder, "abc", {"operation.shop.op": "success"})
    assert statuses_of(read_recorded(entry)) == {"operation.shop.op": "success"}


def test_results_of_another_invocation_are_not_its_own(ledger: LocalLedger) -> None:
    entry = record(ledger, "abc", start(A))
    for other in ("another", None):
        write_run_results(entry.folder, other, {A: "success"})
        assert statuses_of(read_recorded(entry)) == {A: INTERRUPTED}


@pytest.mark.parametrize(
    "results",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"\xff\xfe",
        [],
        {},
        {"metadata": []},
        run_results("abc", {}, results=None),
        run_results("abc", {}, results=[None]),
        run_results("abc", {}, results=[{"unique_id": A, "status": "success"}, {"unique_id": B}]),
        run_results("abc", {}, results=[{"unique_id": A, "status": "success", "execution_time": 10**400}]),
    ],
)
def test_damaged_results_never_prove(ledger: LocalLedger, results: Any) -> None:
    entry = record(ledger, "abc", start(A))
    content = results if isinstance(results, bytes) else json.dumps(results).encode()
    (entry.folder / "run_results.json").write_bytes(content)
    assert statuses_of(read_recorded(entry)) == {A: INTERRUPTED}


def test_an_unknown_status_is_no_proof(ledger: LocalLedger) -> None:
    entry = record(ledger, "abc", start(A))
    write_run_results(entry.folder, "abc", {A: "splendid"})
    assert not read_recorded(entry).outcomes[A].proven


def test_a_journal_that_is_gone_is_refused_in_a_sentence(ledger: LocalLedger) -> None:
    entry = record(ledger, "abc")
    (entry.folder / "journal.jsonl").unlink()
    with pytest.raises(RetryRefusedError, match=r"Could not read '.*journal.jsonl': No such file or directory\. Name"):
        read_recorded(entry)


STATUSES = st.sampled_from(["success", "pass", "warn", "error", "fail", "skipped", "partial success"])
LINES = st.lists(
    st.one_of(
        st.builds(start, st.sampled_from([A, B, C])),
        st.builds(finish, st.sampled_from([A, B, C]), STATUSES),
        st.just(selection(A, B, C)),
        st.just(selection(A, whole=[A, B, C])),
        st.just(end()),
        st.just(end(complete=False)),
    ),
    max_size=10,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> LocalLedger:
    return LocalLedger(tmp_path_factory.mktemp("shared"))


def proven_by(entry: LedgerEntry) -> set[str]:
    return {outcome.unique_id for outcome in fold([read_recorded(entry)]).outcomes.values() if outcome.proven}


def rerecorded(ledger: LocalLedger, lines: list[Any]) -> LedgerEntry:
    ledger.discard("abc")
    return record(ledger, "abc", *lines)


@given(LINES, st.data())
def test_a_cut_proves_only_what_the_lines_before_it_prove(
    shared: LocalLedger, lines: list[Any], data: st.DataObject
) -> None:
    entry = rerecorded(shared, lines)
    path = entry.folder / "journal.jsonl"
    content = path.read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut])
    after_cut = proven_by(entry)
    whole_lines = max(content[:cut].count(b"\n") - 1, 0)
    assert after_cut == proven_by(rerecorded(shared, lines[:whole_lines]))


@given(st.dictionaries(st.sampled_from([A, B, C]), STATUSES), st.data())
def test_no_damage_proves_what_the_whole_journal_does_not(
    shared: LocalLedger, statuses: dict[str, str], data: st.DataObject
) -> None:
    entry = rerecorded(shared, ran(statuses))
    proven = proven_by(entry)
    path = entry.folder / "journal.jsonl"
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3)):
        content[place] = data.draw(st.integers(0, 255))
    first, last = sorted(data.draw(st.tuples(st.integers(0, len(content)), st.integers(0, len(content)))))
    path.write_bytes(data.draw(st.sampled_from([content, content[:first], content[:first] + content[last:]])))
    damaged = read_recorded(LedgerEntry(entry.folder, header("abc")))
    assert {unique_id for unique_id, outcome in fold([damaged]).outcomes.items() if outcome.proven} <= proven
    missing = statuses.keys() - fold([damaged]).outcomes.keys()
    assert not (missing and damaged.tells_all)
