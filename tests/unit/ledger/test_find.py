from __future__ import annotations

import pytest

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.types import Chain
from dbt_retry_plus.words import INTERRUPTED, NOT_STARTED
from tests.support.ledgers import (
    at,
    build,
    changed_at,
    end,
    finish,
    record,
    records_of,
    results_of,
    run_results,
    selection,
    start,
    write_run_results,
)

A, B = "model.shop.a", "model.shop.b"


def statuses_of(chain: Chain) -> dict[str, str]:
    return {outcome.unique_id: outcome.status for outcome in chain.outcomes.values()}


def links_of(chain: Chain) -> list[str]:
    return [link.invocation_id for link in chain.invocations]


def test_with_nothing_on_record_dbts_results_are_missed(ledger: LocalLedger) -> None:
    with pytest.raises(RetryRefusedError, match=r"there is no run_results\.json in"):
        records_of(ledger).newest_id()


def test_the_newest_on_the_ledger_is_the_newest(ledger: LocalLedger) -> None:
    build(ledger, "new", 2, {A: "error"})
    build(ledger, "old", 1, {A: "success"})
    records = records_of(ledger)
    assert records.newest_id() == "new"
    assert statuses_of(records.chain("new")) == {A: "error"}


def test_results_that_are_on_the_ledger_say_nothing_new(ledger: LocalLedger) -> None:
    build(ledger, "abc", 1, {A: "success", B: "error"})
    results_of(ledger, "abc", 1, {A: "success"})
    records = records_of(ledger)
    assert (records.newest_id(), records.results) == ("abc", None)
    assert statuses_of(records.chain("abc")) == {A: "success", B: "error"}


def test_newer_results_that_were_not_recorded_are_the_newest(ledger: LocalLedger) -> None:
    build(ledger, "abc", 1, {A: "success"})
    results_of(ledger, "def", 2, {A: "error"})
    records = records_of(ledger)
    assert records.newest_id() == "def"
    assert statuses_of(records.chain("def")) == {A: "error"}


@pytest.mark.parametrize("good_is_recorded", [True, False])
def test_row_34_a_failed_run_without_results_is_newer_than_the_results(
    ledger: LocalLedger, good_is_recorded: bool
) -> None:
    if good_is_recorded:
        build(ledger, "good", 1, {A: "success"})
    results_of(ledger, "good", 1, {A: "success"})
    build(ledger, "failed", 2, {A: "error"})
    assert records_of(ledger).newest_id() == "failed"


@pytest.mark.parametrize(("results_changed", "newest"), [(3000, "def"), (1000, "abc")])
def test_results_without_a_time_are_as_old_as_their_file(
    ledger: LocalLedger, results_changed: float, newest: str
) -> None:
    build(ledger, "abc", 1, {A: "success"})
    changed_at(ledger.invocations / "abc" / "journal.jsonl", 2000)
    metadata = run_results("def", {})["metadata"] | {"generated_at": None}
    changed_at(write_run_results(ledger.folder.parent, "def", {A: "error"}, metadata=metadata), results_changed)
    assert records_of(ledger).newest_id() == newest


def test_a_prefix_names_an_invocation(ledger: LocalLedger) -> None:
    build(ledger, "abc", 1, {})
    build(ledger, "abd", 2, {})
    results_of(ledger, "xyz", 3, {A: "error"})
    records = records_of(ledger)
    assert [records.id_of(prefix) for prefix in ("abc", "abd", "x")] == ["abc", "abd", "xyz"]


def test_an_ambiguous_prefix_is_refused(ledger: LocalLedger) -> None:
    for number, invocation_id in enumerate(("abc", "abd", "ab")):
        build(ledger, invocation_id, number, {})
    with pytest.raises(RetryRefusedError) as refused:
        records_of(ledger).id_of("a")
    assert str(refused.value) == "3 invocations begin with 'a': ab, abc, abd. Give more of the id."
    assert records_of(ledger).id_of("ab") == "ab"


def test_an_unknown_prefix_is_refused(ledger: LocalLedger) -> None:
    with pytest.raises(RetryRefusedError) as refused:
        records_of(ledger).id_of("abc")
    assert str(refused.value) == (
        f"There is no invocation 'abc' on the ledger in '{ledger.folder}'. "
        "`dbt-retry-plus history` lists those that there are."
    )


def test_what_other_projects_left_in_the_same_place_is_passed_over(ledger: LocalLedger) -> None:
    build(ledger, "mine", 1, {A: "error"})
    build(ledger, "theirs", 2, {A: "success"}, project="another")
    results_of(ledger, "theirs", 2, {A: "success"})
    records = records_of(ledger)
    assert records.newest_id() == "mine"
    assert list(records.other_chains("mine")) == []
    with pytest.raises(RetryRefusedError, match="There is no invocation 'theirs'"):
        records.id_of("theirs")


def test_where_only_others_left_something_there_is_nothing(ledger: LocalLedger) -> None:
    build(ledger, "theirs", 2, {A: "success"}, project="another")
    results_of(ledger, "theirs", 2, {A: "success"})
    with pytest.raises(RetryRefusedError, match=r"No invocation on the ledger in .* executed any node"):
        records_of(ledger).newest_id()


def test_without_results_the_ledger_is_enough_and_a_record_without_a_project_is_of_this_one(
    ledger: LocalLedger,
) -> None:
    build(ledger, "abc", 1, {A: "error"}, project=None)
    assert records_of(ledger).newest_id() == "abc"


def test_a_chain_is_what_its_links_prove_together(ledger: LocalLedger) -> None:
    build(ledger, "build", 1, {A: "error", B: "skipped"})
    build(ledger, "other", 2, {A: "success"})
    record(ledger, "retry", selection(A, B), start(A), finish(A), start(B), started_at=at(3), retry_of="build")
    records = records_of(ledger)
    for link in ("build", "retry"):
        assert links_of(records.chain(link)) == ["build", "retry"]
        assert statuses_of(records.chain(link)) == {A: "success", B: INTERRUPTED}
    assert [links_of(chain) for chain in records.other_chains("retry")] == [["other"]]
    assert [links_of(chain) for chain in records.other_chains("other")] == [["build", "retry"]]


def test_results_that_were_not_recorded_are_the_root_of_recorded_retries(ledger: LocalLedger) -> None:
    results_of(ledger, "build", 1, {A: "success", B: "error"})
    record(ledger, "retry", selection(B), start(B), started_at=at(2), retry_of="build")
    records = records_of(ledger)
    assert records.newest_id() == "retry"
    assert links_of(records.chain("retry")) == links_of(records.chain("build")) == ["build", "retry"]
    assert statuses_of(records.chain("retry")) == {A: "success", B: INTERRUPTED}


def test_unrecorded_results_are_among_the_other_chains(ledger: LocalLedger) -> None:
    results_of(ledger, "build", 1, {A: "error"})
    build(ledger, "compile", 2, {B: "success"}, command="compile")
    assert [links_of(chain) for chain in records_of(ledger).other_chains("compile")] == [["build"]]


def test_a_dbt_retry_that_never_got_to_run_hides_nothing(ledger: LocalLedger) -> None:
    record(ledger, "build", selection(A), start(A), started_at=at(1))
    record(ledger, "retry", end(complete=False, success=False), started_at=at(2), command="retry")
    records = records_of(ledger)
    assert records.newest_id() == "build"
    assert list(records.other_chains("build")) == []
    with pytest.raises(RetryRefusedError, match="Invocation retry ended before it executed any node, and what it"):
        records.chain("retry")


def test_a_dbt_retry_that_got_to_run_counts(ledger: LocalLedger) -> None:
    build(ledger, "build", 1, {A: "success"})
    settled = selection(A, command="run", arguments={"which": "run"})
    record(ledger, "retry", settled, started_at=at(2), command="retry", retry_of="gone")
    records = records_of(ledger)
    assert records.newest_id() == "retry"
    assert records.chain("retry").original.command == "run"
    assert statuses_of(records.chain("retry")) == {A: NOT_STARTED}


def test_a_dbt_retry_that_never_got_to_run_is_no_beginning_of_a_chain(ledger: LocalLedger) -> None:
    record(ledger, "first", started_at=at(1), command="retry", retry_of="gone")
    build(ledger, "second", 2, {A: "error"}, retry_of="gone")
    assert links_of(records_of(ledger).chain("first")) == ["second"]


def test_where_nothing_got_to_run_there_is_nothing_to_retry(ledger: LocalLedger) -> None:
    record(ledger, "retry", command="retry")
    with pytest.raises(RetryRefusedError, match="Run the original dbt command"):
        records_of(ledger).newest_id()


def test_a_process_that_was_killed_before_its_copy_was_made_left_dbts(ledger: LocalLedger) -> None:
    record(ledger, "abc", selection(A, B), start(A), start(B))
    results_of(ledger, "abc", 1, {A: "partial success"})
    assert statuses_of(records_of(ledger).chain("abc")) == {A: "partial success", B: INTERRUPTED}


def test_results_of_another_invocation_say_nothing_about_a_killed_one(ledger: LocalLedger) -> None:
    record(ledger, "abc", selection(A), start(A), started_at=at(2))
    results_of(ledger, "def", 1, {A: "success"})
    assert statuses_of(records_of(ledger).chain("abc")) == {A: INTERRUPTED}


def test_torn_results_of_a_killed_process_are_not_read(ledger: LocalLedger) -> None:
    record(ledger, "abc", selection(A), start(A))
    results_of(ledger, "abc", 1, {A: "success"})
    path = ledger.folder.parent / "run_results.json"
    path.write_bytes(path.read_bytes()[:-20])
    changed_at(ledger.invocations / "abc" / "journal.jsonl", 1000)
    records = records_of(ledger)
    assert records.newest_id() == "abc"
    assert statuses_of(records.chain("abc")) == {A: INTERRUPTED}


DAMAGED = b'{"metadata": {'


def test_damaged_results_and_no_ledger_are_refused(ledger: LocalLedger) -> None:
    (ledger.folder.parent / "run_results.json").write_bytes(DAMAGED)
    with pytest.raises(RetryRefusedError, match="is not a JSON document"):
        records_of(ledger).newest_id()


def test_damaged_results_that_are_newer_than_a_whole_record_are_refused(ledger: LocalLedger) -> None:
    build(ledger, "abc", 1, {A: "success"})
    changed_at(ledger.invocations / "abc" / "journal.jsonl", 1000)
    (ledger.folder.parent / "run_results.json").write_bytes(DAMAGED)
    records = records_of(ledger)
    with pytest.raises(RetryRefusedError, match="is not a JSON document"):
        records.newest_id()
    assert statuses_of(records.chain(records.id_of("abc"))) == {A: "success"}


def test_damaged_results_that_are_older_than_a_whole_record_do_not_matter(ledger: LocalLedger) -> None:
    build(ledger, "abc", 1, {A: "success"})
    (ledger.folder.parent / "run_results.json").write_bytes(DAMAGED)
    changed_at(ledger.folder.parent / "run_results.json", 1000)
    assert records_of(ledger).newest_id() == "abc"


def test_results_of_a_command_that_executes_nothing_do_not_matter_on_a_ledger(ledger: LocalLedger) -> None:
    write_run_results(ledger.folder.parent, "show", {}, args={"which": "show"})
    with pytest.raises(RetryRefusedError, match="'show', which cannot be retried"):
        records_of(ledger).newest_id()
    build(ledger, "abc", 1, {A: "error"})
    assert records_of(ledger).newest_id() == "abc"


def test_a_damaged_newest_invocation_is_refused(ledger: LocalLedger) -> None:
    build(ledger, "abc", 1, {A: "success"})
    changed_at(ledger.invocations / "abc" / "journal.jsonl", 1000)
    build(ledger, "def", 2, {A: "error"})
    (ledger.invocations / "def" / "journal.jsonl").write_bytes(b"garbage")
    with pytest.raises(RetryRefusedError, match="is damaged"):
        records_of(ledger)
