"""What is shipped to a store and fetched from it again, with faults in between, proves no more than what was recorded."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger import journal, segments
from dbt_retry_plus.ledger.fetching import FETCHED, Fetcher
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.ledger.recorded import read_recorded
from dbt_retry_plus.ledger.remote import grouped, name_of
from dbt_retry_plus.ledger.shipping import Shipment, Shipper
from dbt_retry_plus.ledger.store import StoreUnreachableError
from tests.support.ledgers import PROJECT, at, begin, end, finish, header, ran, record, selection, start
from tests.support.shipments import QUICK, entry_of, fetched, remote_of, shipped
from tests.support.stores import DictStore, FaultyStore


def test_another_machine_reads_what_was_recorded_here(here: LocalLedger, there: LocalLedger) -> None:
    store = DictStore()
    entry = record(here, "one", *ran({"model.a": "success", "model.b": "error"}))
    (entry.folder / "manifest.json").write_text("{}")
    shipped(store, entry)

    found = fetched(store, there)["one"]

    own = read_recorded(entry)
    assert (found.outcomes, found.ended, found.arguments) == (own.outcomes, own.ended, own.arguments)
    assert (there.invocations / "one" / "manifest.json").read_text() == "{}"
    assert {path.stat().st_mode & 0o077 for path in (there.invocations / "one").iterdir()} == {0}


def test_what_was_killed_before_its_end_was_shipped_has_not_ended(here: LocalLedger, there: LocalLedger) -> None:
    store = DictStore()
    opened = begin(here, "one", selection("model.a", "model.b"), start("model.a"), finish("model.a"), start("model.b"))
    shipment = Shipment(entry_of(opened), remote_of(store), new=True)
    shipment.ship()
    opened.journal.append(journal.encode(finish("model.b")))
    opened.journal.append(journal.encode(end()))

    found = fetched(store, there)["one"]

    assert not found.ended
    assert {node: outcome.status for node, outcome in found.outcomes.items()} == {
        "model.a": "success",
        "model.b": "interrupted",
    }
    opened.close()


@pytest.mark.parametrize("damage", ["gone", "torn", "swapped", "empty"])
def test_a_segment_that_is_not_whole_ends_the_journal(damage: str, here: LocalLedger, there: LocalLedger) -> None:
    store = DictStore()
    opened = begin(here, "one", selection("model.a", "model.b", "model.c"))
    shipment = Shipment(entry_of(opened), remote_of(store), new=True)
    for node in "abc":
        opened.journal.append(journal.encode(start(f"model.{node}")))
        opened.journal.append(journal.encode(finish(f"model.{node}")))
        shipment.ship()
    opened.journal.append(journal.encode(end()))
    shipment.ship()
    opened.close()
    place = f"{PROJECT}/dev/invocations/{name_of(header('one'))}/"
    names = [place + segments.name_of(number) for number in range(1, 6)]
    assert set(names) <= store.objects.keys()
    third = store.objects[names[2]]
    if damage == "gone":
        del store.objects[names[2]]
    else:
        store.objects[names[2]] = {"torn": third[:-5], "swapped": store.objects[names[3]], "empty": b""}[damage]

    found = fetched(store, there)["one"]

    assert set(found.outcomes) == {"model.a"}
    assert not found.ended


def test_a_half_written_whole_journal_is_passed_over(here: LocalLedger, there: LocalLedger) -> None:
    store = DictStore()
    entry = record(here, "one", *ran({"model.a": "success"}))
    shipped(store, entry)
    whole = next(name for name in store.objects if name.endswith(segments.name_of(segments.WHOLE)))
    store.objects[whole] = store.objects[whole][:40]

    assert fetched(store, there)["one"].ended


def test_the_manifest_is_there_before_what_ran_from_it(here: LocalLedger, there: LocalLedger) -> None:
    store = FaultyStore(DictStore())
    opened = begin(here, "one", selection("model.a"))
    shipment = Shipment(entry_of(opened), remote_of(store), new=True)
    shipment.ship()
    (opened.folder / "manifest.json").write_text('{"nodes": {}}')
    opened.journal.append(journal.encode(finish("model.a")))
    store.faults = ["torn"]

    with pytest.raises(StoreUnreachableError, match="injected: torn"):
        shipment.ship()

    assert fetched(store, there)["one"].outcomes == {}
    shipment.ship()
    assert set(fetched(store, there)["one"].outcomes) == {"model.a"}
    opened.close()


@pytest.mark.parametrize("damage", [None, b"torn"])
@pytest.mark.parametrize("ended", [True, False])
def test_without_its_manifest_nothing_counts_that_ran_from_it(
    ended: bool, damage: bytes | None, here: LocalLedger, there: LocalLedger
) -> None:
    store = DictStore()
    opened = begin(here, "one", selection("model.a"))
    (opened.folder / "manifest.json").write_text("{}")
    opened.journal.append(journal.encode(finish("model.a")))
    opened.journal.append(journal.encode(end()))
    opened.close()
    shipment = Shipment(entry_of(opened), remote_of(store), new=True)
    shipment.ship()
    if ended:
        shipment.end()
    name = next(name for name in store.objects if name.endswith("manifest.json.gz"))
    if damage is None:
        del store.objects[name]
    else:
        store.objects[name] = damage

    found = fetched(store, there)["one"]

    assert (dict(found.outcomes), found.ended) == ({}, False)


@hypothesis_settings(max_examples=100, deadline=None)
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("node"), st.sampled_from(["success", "error", "skipped"])),
            st.tuples(st.just("start"), st.none()),
            st.tuples(st.just("end"), st.none()),
            st.tuples(st.just("ship"), st.lists(st.sampled_from(["fine", "lost", "answer lost", "torn"]), max_size=3)),
        ),
        max_size=25,
    ),
    lag=st.sets(st.integers(0, 30)),
    killed=st.booleans(),
)
def test_whatever_fails_nothing_is_proven_that_was_not(
    steps: list[tuple[str, Any]], lag: set[int], killed: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        here, there = LocalLedger(Path(folder) / "here"), LocalLedger(Path(folder) / "there")
        store = FaultyStore(DictStore())
        opened = begin(here, "one", selection(*(f"model.{number}" for number in range(len(steps)))))
        shipment = Shipment(entry_of(opened), remote_of(store), new=True)
        for number, (what, value) in enumerate(steps):
            if what == "node":
                opened.journal.append(journal.encode(start(f"model.{number}")))
                opened.journal.append(journal.encode(finish(f"model.{number}", value)))
            elif what == "start":
                opened.journal.append(journal.encode(start(f"model.{number}")))
            elif what == "end":
                opened.journal.append(journal.encode(end()))
            else:
                store.faults = list(value)
                attempt(shipment)
        store.faults = []
        if not killed:
            shipment.ship()
        store.hidden = {name for number, name in enumerate(store.store.objects) if number in lag}  # type: ignore[attr-defined]
        true = read_recorded(entry_of(opened))
        try:
            found = fetched(store, there)
        except RetryRefusedError:
            found = {}
        opened.close()
        if "one" in found:
            proven = {node for node, outcome in found["one"].outcomes.items() if outcome.proven}
            assert proven <= {node for node, outcome in true.outcomes.items() if outcome.proven}
            assert true.ended or not found["one"].ended
        if not killed and not store.hidden:
            assert found["one"].outcomes == true.outcomes


def attempt(shipment: Shipment) -> None:
    try:
        shipment.ship()
    except StoreUnreachableError:
        return


def test_a_newest_invocation_with_a_torn_first_line_is_not_passed_over(here: LocalLedger, there: LocalLedger) -> None:
    store = DictStore()
    shipped(store, record(here, "old", *ran({"model.a": "success"}), started_at=at(1)))
    shipped(store, record(here, "new", *ran({"model.a": "error"}), started_at=at(2)))
    first = next(name for name in store.objects if "-new/" in name and name.endswith(segments.name_of(1)))
    store.objects[first] = b"torn"

    with pytest.raises(RetryRefusedError, match=r"newest invocation in vault://ledger, .*-new', is damaged"):
        fetched(store, there)


def test_the_newest_invocation_is_found_where_the_listing_lags(here: LocalLedger, there: LocalLedger) -> None:
    store = FaultyStore(DictStore())
    shipped(store, record(here, "old", *ran({"model.a": "success"}), started_at=at(1)))
    new = record(here, "new", *ran({"model.a": "error"}), started_at=at(2))
    shipped(store, new)
    remote_of(store).note_latest(name_of(new.header))
    store.hidden = {each.name for each in store.store.list("") if "-new/" in each.name}

    found = fetched(store, there)

    assert found["new"].outcomes["model.a"].status == "error"
    assert found["new"].ended


def test_only_what_is_needed_is_fetched(here: LocalLedger, there: LocalLedger) -> None:
    store = DictStore()
    shipped(
        store,
        record(here, "other", *ran({"model.x": "error"}), started_at=at(1)),
        record(here, "first", *ran({"model.a": "error"}), started_at=at(2)),
        record(here, "second", *ran({"model.a": "success"}), started_at=at(3), retry_of="first"),
    )

    assert fetched(store, there).keys() == {"first", "second"}
    assert fetched(store, there, "oth").keys() == {"first", "second", "other"}


def test_what_grew_since_it_was_fetched_is_fetched_again(here: LocalLedger, there: LocalLedger) -> None:
    store = DictStore()
    opened = begin(here, "one", selection("model.a"), start("model.a"))
    shipment = Shipment(entry_of(opened), remote_of(store), new=True)
    shipment.ship()
    assert fetched(store, there)["one"].outcomes["model.a"].status == "interrupted"

    opened.journal.append(journal.encode(finish("model.a")))
    shipment.ship()

    assert fetched(store, there)["one"].outcomes["model.a"].status == "success"
    opened.close()


def test_what_was_recorded_here_is_not_overwritten(here: LocalLedger) -> None:
    store = DictStore()
    entry = record(here, "one", *ran({"model.a": "success"}))
    shipped(store, entry)
    store.objects = {name: data for name, data in store.objects.items() if "000002" not in name}

    assert fetched(store, here)["one"].ended
    assert not (entry.folder / FETCHED).exists()


def test_names_that_lead_elsewhere_are_not_followed(here: LocalLedger, there: LocalLedger) -> None:
    store = DictStore()
    shipped(store, record(here, "one", *ran({"model.a": "success"})))
    for name in (
        "shop/dev/invocations/20260102030405000000-../journal/000001.gz",
        "shop/dev/invocations/../../x/journal/000001.gz",
        "shop/dev/invocations/20260102030405000000-a%2Fb/journal/000001.gz",
        "README",
    ):
        store.objects[name] = b"x"
    assert [each.invocation_id for each in grouped(store.list(""))] == ["one"]
    assert fetched(store, there).keys() == {"one"}


def test_a_chain_that_a_dead_process_had_half_shipped_is_completed(here: LocalLedger, there: LocalLedger) -> None:
    store = DictStore()
    opened = begin(here, "first", selection("model.a", "model.b"), start("model.a"), started_at=at(1))
    Shipment(entry_of(opened, started_at=at(1)), remote_of(store), new=True).ship()
    opened.journal.append(journal.encode(finish("model.a")))
    opened.close()
    retry = record(here, "second", *ran({"model.b": "success"}), started_at=at(2), retry_of="first")
    entries = {entry.invocation_id: entry for entry in here.entries()}
    fetcher = Fetcher(remote_of(store), here)

    assert [entry.invocation_id for entry in fetcher.lacking(list(entries.values()))] == ["first", "second"]
    shipper = Shipper(remote_of(store), retry, QUICK, pytest.fail)
    shipper.also([entries["first"]])
    shipper.start()
    shipper.finish()

    found = fetched(store, there)
    assert found["first"].outcomes["model.a"].status == "success"
    assert found["second"].ended
