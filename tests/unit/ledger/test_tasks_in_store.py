"""What other machines have recorded of a task, and whether it matters to a retry that has begun."""

from __future__ import annotations

from dbt_retry_plus.ledger.fetching import Fetcher
from dbt_retry_plus.ledger.local import LocalLedger
from tests.support.ledgers import at, ran, record
from tests.support.shipments import remote_of, shipped
from tests.support.stores import DictStore


def test_the_newest_of_a_task_is_told_by_its_tag(here: LocalLedger, there: LocalLedger) -> None:
    store = DictStore()
    moments = [f"2026-01-02T03:04:0{number}.000000Z" for number in range(4)]
    tags = [{"tag": "task/1"}, {"tag": "task/1"}, {"tag": "task/10"}, {}]
    for number, (moment, tag) in enumerate(zip(moments, tags, strict=True)):
        changes = {"started_at": moment, **tag}
        shipped(store, record(here, f"i{number}", *ran({"model.shop.a": "error"}), **changes))

    fetcher = Fetcher(remote_of(store), there)

    assert fetcher.newest_tagged("task/1") == "i1"
    assert fetcher.newest_tagged("task/10") == "i2"
    assert fetcher.newest_tagged("task") is None
    assert fetcher.newest_tagged("None") is None


def test_only_retries_of_it_overtake_a_chain_that_was_named(here: LocalLedger, there: LocalLedger) -> None:
    store = DictStore()
    failed = ran({"model.shop.a": "error"})
    shipped(store, record(here, "build", *failed))
    fetcher = Fetcher(remote_of(store), there)
    assert not fetcher.overtaken({"build"})
    shipped(store, record(here, "another", *failed, started_at=at(1)))
    assert fetcher.overtaken({"build"})
    assert not fetcher.overtaken({"build"}, named=True)
    retry = record(here, "retry", *failed, started_at=at(2), retry_of="build")
    shipped(store, retry)
    assert fetcher.overtaken({"build"}, named=True)
    del store.objects[next(name for name in store.objects if "/retry_of/" in name)]  # it is shipped after the header
    assert fetcher.overtaken({"build"}, named=True)
