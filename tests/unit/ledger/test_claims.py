"""Of two machines that want to retry one chain, one may."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.claims import Claim, Held, newest
from dbt_retry_plus.ledger.remote import RemoteLedger
from dbt_retry_plus.ledger.store import Guarded
from tests.support.stores import DictStore


@pytest.fixture(autouse=True)
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dbt_retry_plus.ledger.claims._SHORTEST_LEASE", 0.5)


class ConditionalStore(DictStore):
    """Creates an object or does not, as S3 does."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def write_if_absent(self, name: str, data: bytes) -> bool:
        with self._lock:
            return self.objects.setdefault(name, data) is data


def remote_of(store: Any) -> RemoteLedger:
    return RemoteLedger(lambda: Guarded(store), "vault://x", "shop", "dev")


def claim(store: Any, holder: str, interval: float = 0.01) -> Claim:
    return Claim(remote_of(store), "chain", holder, interval)


def nobody_here(_: str) -> bool:
    return False


def refreshed(claimed: Claim, done: threading.Event) -> None:
    while not done.wait(0.05):
        claimed.refresh()


def backdated(store: DictStore, **changes: Any) -> None:
    """Let the claim that there is look otherwise."""
    name = max(store.objects)
    store.objects[name] = json.dumps({**json.loads(store.objects[name]), **changes}).encode()


def test_the_second_is_refused_and_told_who_holds_it() -> None:
    store, done = ConditionalStore(), threading.Event()
    first = claim(store, "retry-1")
    assert first.take(nobody_here)
    alive = threading.Thread(target=refreshed, args=(first, done))
    alive.start()
    waited: list[Held] = []
    with pytest.raises(
        RetryRefusedError, match=r"Another retry of invocation chain is running \(process \d+, on .+, sin"
    ):
        claim(store, "retry-2").take(nobody_here, waited.append)
    assert [held.invocation_id for held in waited] == ["retry-1"]
    done.set()
    alive.join()


def test_what_still_runs_elsewhere_is_named_so() -> None:
    store, done = ConditionalStore(), threading.Event()
    build = claim(store, "chain")
    build.begin()
    alive = threading.Thread(target=refreshed, args=(build, done))
    alive.start()
    with pytest.raises(RetryRefusedError, match=r"Invocation chain is still running \("):
        claim(store, "retry-1").take(nobody_here)
    done.set()
    alive.join()


def test_of_many_at_once_one_gets_it() -> None:
    store = ConditionalStore()

    def busy(_: Held) -> None:
        raise RetryRefusedError("somebody was faster")

    def take(number: int) -> bool:
        try:
            return claim(store, f"retry-{number}").take(nobody_here, busy)
        except RetryRefusedError:
            return False

    with ThreadPoolExecutor(8) as threads:
        assert [*threads.map(take, range(8))].count(True) == 1


def test_a_holder_that_gives_no_sign_of_life_loses_it() -> None:
    store = ConditionalStore()
    dead = claim(store, "retry-1")
    dead.take(nobody_here)
    backdated(store, lease=0.2)

    heir = claim(store, "retry-2")
    assert heir.take(nobody_here)

    assert not dead.refresh()
    assert heir.refresh()
    held = newest(Guarded(store), "shop/dev", "chain")
    assert held is not None
    assert held.invocation_id == "retry-2"


@pytest.mark.parametrize("changes", [{"released": True}, {"refreshed_at": "2020-01-01T00:00:00.000000Z"}])
def test_what_was_given_back_or_is_long_over_is_taken_at_once(changes: dict[str, Any]) -> None:
    store = ConditionalStore()
    claim(store, "retry-1").take(nobody_here)
    backdated(store, lease=600, **changes)
    assert claim(store, "retry-2").take(nobody_here, pytest.fail)


def test_a_process_of_this_machine_that_is_gone_is_not_waited_for() -> None:
    store = ConditionalStore()
    claim(store, "retry-1").take(nobody_here)
    backdated(store, lease=600)
    assert claim(store, "retry-2").take(lambda invocation_id: invocation_id == "retry-1")


def test_a_claim_that_its_holder_gives_back_while_it_is_watched_is_taken() -> None:
    store = ConditionalStore()
    first = claim(store, "retry-1")
    first.take(nobody_here)
    assert claim(store, "retry-2").take(nobody_here, lambda _: first.release())


@pytest.mark.parametrize("written", [b"", b"{", b"[]", b'{"lease": "x"}', b'{"lease": -1, "refreshed_at": 3}'])
def test_a_damaged_claim_is_one_of_somebody_unknown(written: bytes) -> None:
    store = ConditionalStore()
    store.objects["shop/dev/claims/chain/000001.json"] = written
    waited: list[Held] = []
    assert claim(store, "retry-1").take(nobody_here, waited.append)
    assert len(waited) == 1


def test_a_store_without_conditional_writes_is_told_apart() -> None:
    store = DictStore()
    assert claim(store, "retry-1").take(nobody_here) is False
    assert claim(store, "retry-1").refresh() is False  # not this one's
