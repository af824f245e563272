"""Whether what was read is still so, once a retry is planned."""

from __future__ import annotations

import pytest

from dbt_retry_plus.ledger.find import overtaken
from dbt_retry_plus.ledger.local import LocalLedger
from tests.support.ledgers import PROJECT, at, begin, build, record, records_of, results_of

A = "model.shop.a"


def test_a_link_whose_process_is_alive_is_running(ledger: LocalLedger) -> None:
    build(ledger, "build", 1, {A: "error"})
    records = records_of(ledger)
    assert records.running(records.chain("build")) is None
    retry = begin(ledger, "retry", started_at=at(2), retry_of="build")
    records = records_of(ledger)
    running = records.running(records.chain("build"))
    retry.close()
    assert running is not None and running.invocation_id == "retry"


def test_what_was_read_holds_while_nothing_else_runs(ledger: LocalLedger) -> None:
    assert not overtaken(records_of(ledger), PROJECT)
    results_of(ledger, "build", 1, {A: "error"})
    assert not overtaken(records_of(ledger), PROJECT)
    build(ledger, "retry", 2, {A: "error"}, retry_of="build")
    assert not overtaken(records_of(ledger), PROJECT)


def test_a_retry_that_was_recorded_meanwhile_overtakes(ledger: LocalLedger) -> None:
    results_of(ledger, "build", 1, {A: "error"})
    results_alone = records_of(ledger)
    build(ledger, "first", 2, {A: "error"}, retry_of="build")
    on_ledger = records_of(ledger)
    record(ledger, "second", started_at=at(3), retry_of="first")
    assert overtaken(results_alone, PROJECT)
    assert overtaken(on_ledger, PROJECT)


@pytest.mark.parametrize("recorded", [False, True])
def test_a_retry_that_is_not_recorded_overtakes_with_its_results(ledger: LocalLedger, recorded: bool) -> None:
    results_of(ledger, "build", 1, {A: "error"})
    if recorded:
        build(ledger, "build", 1, {A: "error"})
    records = records_of(ledger)
    results_of(ledger, "retry", 2, {A: "success"})
    assert overtaken(records, PROJECT)


def test_a_command_on_the_ledger_that_ends_meanwhile_does_not_overtake(ledger: LocalLedger) -> None:
    build(ledger, "build", 1, {A: "error"})
    running = begin(ledger, "compile", started_at=at(2), command="compile")
    records = records_of(ledger)
    results_of(ledger, "compile", 2, {A: "success"})
    running.close()
    assert not overtaken(records, PROJECT)


def test_another_project_in_the_same_place_does_not_overtake(ledger: LocalLedger) -> None:
    build(ledger, "mine", 1, {A: "error"})
    records = records_of(ledger)
    build(ledger, "theirs", 2, {A: "success"}, project="another")
    results_of(ledger, "theirs", 2, {A: "success"})
    assert not overtaken(records, PROJECT)


def test_only_retries_of_it_overtake_a_chain_that_was_named(ledger: LocalLedger) -> None:
    build(ledger, "build", 1, {A: "error"})
    records = records_of(ledger)
    chain = records.chain("build")
    begin(ledger, "another", started_at=at(2)).close()
    assert overtaken(records, PROJECT)
    assert not overtaken(records, PROJECT, chain)
    begin(ledger, "retry", started_at=at(3), retry_of="build").close()
    assert overtaken(records, PROJECT, chain)
