"""A store that cannot be reached, hangs or fills up keeps no command from its end."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from dbt_retry_plus.ledger import journal
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.ledger.remote import RemoteLedger, grouped
from dbt_retry_plus.ledger.shipping import Shipper
from dbt_retry_plus.ledger.store import Guarded, StoreUnreachableError
from dbt_retry_plus.settings import Settings
from tests.support.ledgers import PROJECT, at, begin, end, finish, ran, record, selection
from tests.support.shipments import QUICK, entry_of, fetched, remote_of, shipped
from tests.support.stores import DictStore, FaultyStore


@pytest.fixture
def warnings() -> list[str]:
    return []


def test_a_store_that_cannot_be_reached_is_one_warning(here: LocalLedger, warnings: list[str]) -> None:
    opened = begin(here, "one", *ran({"model.a": "success"}))
    store = FaultyStore(DictStore(), faults=["lost"] * 1000)
    shipper = Shipper(remote_of(store), entry_of(opened), QUICK, warnings.append)
    shipper.start()
    opened.close()
    shipper.finish()
    assert len(warnings) == 1
    assert (
        "could not bring the record of this invocation to vault://ledger: TimeoutError: injected: lost." in warnings[0]
    )


def test_an_outage_that_passes_is_no_warning(here: LocalLedger, there: LocalLedger, warnings: list[str]) -> None:
    opened = begin(here, "one", *ran({"model.a": "success"}))
    store = FaultyStore(DictStore(), faults=["lost"])
    shipper = Shipper(remote_of(store), entry_of(opened), QUICK, warnings.append)
    shipper.start()
    opened.close()
    shipper.finish()
    assert warnings == []
    assert fetched(store, there)["one"].ended


def test_the_command_goes_on_while_the_store_hangs(here: LocalLedger, there: LocalLedger) -> None:
    class Hanging(DictStore):
        hangs, goes_on = threading.Event(), threading.Event()

        def write(self, name: str, data: bytes) -> None:
            self.hangs.set()
            assert self.goes_on.wait(60)
            super().write(name, data)

    store = Hanging()
    opened = begin(here, "one", selection("model.a"))
    shipper = Shipper(remote_of(store), entry_of(opened), QUICK, pytest.fail)
    shipper.start()
    assert store.hangs.wait(60)
    opened.journal.append(journal.encode(finish("model.a")))
    opened.journal.append(journal.encode(end()))
    opened.close()
    assert not store.objects
    store.goes_on.set()
    shipper.finish()
    assert fetched(store, there)["one"].ended


def test_a_store_that_never_answers_does_not_keep_the_command_from_ending(
    here: LocalLedger, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent(DictStore):
        answers = threading.Event()

        def write(self, name: str, data: bytes) -> None:
            self.answers.wait()

    monkeypatch.setattr("dbt_retry_plus.ledger.shipping._PATIENCE", 0.1)
    opened = begin(here, "one", *ran({"model.a": "success"}))
    shipper = Shipper(remote_of(Silent()), entry_of(opened), QUICK, warnings.append)
    shipper.start()
    opened.close()
    shipper.finish()
    assert [warning.split(": ")[1].split(".")[0] for warning in warnings] == ["it does not answer"]
    Silent.answers.set()


def test_a_store_that_cannot_be_opened_is_one_warning(here: LocalLedger, warnings: list[str]) -> None:
    def refuse() -> Any:
        raise StoreUnreachableError("fsspec is not installed: install 'dbt-retry-plus[remote]'")

    opened = begin(here, "one", *ran({"model.a": "success"}))
    remote = RemoteLedger(refuse, "s3://bucket", PROJECT, "dev")
    shipper = Shipper(remote, entry_of(opened), QUICK, warnings.append)
    shipper.start()
    opened.close()
    shipper.finish()
    assert len(warnings) == 1
    assert "fsspec is not installed" in warnings[0]


def test_the_oldest_chains_leave_the_store(here: LocalLedger) -> None:
    store = DictStore()
    keep = Settings(ledger_interval=0.01, keep_invocations=2)
    for number, (name, retry_of) in enumerate([("a", None), ("b", "a"), ("c", None), ("d", None)]):
        changes = {"started_at": at(number), "retry_of": retry_of}
        entry = record(here, name, *ran({"model.a": "success"}), **changes)
        shipper = Shipper(remote_of(store), entry, keep, pytest.fail)
        shipper.start()
        shipper.finish()

    left = {each.invocation_id for each in grouped(store.list(""))}
    assert left == {"c", "d"}
    assert not [name for name in store.objects if "-a/" in name or "/claims/a/" in name]
    assert json.loads(store.objects[f"{PROJECT}/dev/latest.json"])["name"].endswith("-d")


def test_a_chain_that_somebody_works_on_stays_in_the_store(here: LocalLedger) -> None:
    store = DictStore()
    keep = Settings(ledger_interval=0.01, keep_invocations=1)
    running = begin(here, "a", started_at=at(0))
    long = Shipper(remote_of(store), entry_of(running, started_at=at(0)), keep, pytest.fail)
    long.start()
    while not any("/claims/a/" in name for name in [*store.objects]):
        pass
    other = Shipper(remote_of(store), record(here, "b", *ran({"m": "success"}), started_at=at(1)), keep, pytest.fail)
    other.start()
    other.finish()
    assert {each.invocation_id for each in grouped(store.list(""))} == {"a", "b"}
    running.close()
    long.finish()


def test_projects_and_environments_do_not_see_each_other(here: LocalLedger, there: LocalLedger) -> None:
    store = DictStore()
    shipped(store, record(here, "one", *ran({"model.a": "error"})))
    for remote in (remote_of(store, "prod"), RemoteLedger(lambda: Guarded(store), "x", "shop2", "dev")):
        assert remote.invocations() == []
    assert remote_of(store, "prod").environments() == ["dev"]
