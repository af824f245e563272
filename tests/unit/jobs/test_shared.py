"""Runs of jobs in a store: what other machines learn of them, with faults in between."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.jobs import sharing
from dbt_retry_plus.jobs.job_ledger import JobLedger
from dbt_retry_plus.jobs.record import SCHEMA, JobRun, Status
from dbt_retry_plus.jobs.shared import SharedJobs
from dbt_retry_plus.ledger.journal import JournalWriter, encode
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.ledger.remote import RemoteLedger
from dbt_retry_plus.ledger.shipping import Shipment
from dbt_retry_plus.ledger.store import Guarded, StoreUnreachableError
from tests.support.ledgers import at, record
from tests.support.stores import DictStore, FaultyStore

STEPS = {"steps": [{"name": "a", "command": "dbt seed"}, {"name": "b", "command": "dbt run"}], "env": {}}


def head(run_id: str, minute: int) -> dict[str, Any]:
    known = {"event": "job", "schema": SCHEMA, "run_id": run_id, "job": "nightly", "definition": STEPS, "first": 0}
    return {**known, "started_at": f"2026-01-02T03:{minute:02}:00.000000Z"}


class Machine:
    """One machine, with what it is told."""

    def __init__(self, folder: Path, store: Any) -> None:
        self.told: list[str] = []
        self.ledger = JobLedger(LocalLedger(folder))
        self.remote = RemoteLedger(lambda: Guarded(store), "vault://ledger", "shop", "prod")
        self.shared = SharedJobs(self.remote, self.ledger, 0.01, self.told.append)

    def begin(self, run_id: str, minute: int = 0) -> JournalWriter:
        return self.ledger.begin(run_id, encode(head(run_id, minute)))

    def run(self, run_id: str) -> JobRun:
        return next(run for run in self.ledger.runs() if run.run_id == run_id)

    def ship(self, run_id: str) -> None:
        self.shared.ship(self.run(run_id))

    def ship_invocation(self, invocation_id: str, minute: int, **changes: Any) -> None:
        entry = record(self.ledger.ledger, invocation_id, started_at=at(minute), **changes)
        Shipment(entry, self.remote, new=True).ship()


def line(kind: str, **changes: Any) -> str:
    return encode({"event": kind, "at": "2026-01-02T03:00:01.000000Z", **changes})


@pytest.fixture
def store() -> FaultyStore:
    return FaultyStore(DictStore())


@pytest.fixture
def here(tmp_path: Path, store: FaultyStore) -> Machine:
    return Machine(tmp_path / "here", store)


@pytest.fixture
def there(tmp_path: Path, store: FaultyStore) -> Machine:
    return Machine(tmp_path / "there", store)


def test_what_grew_is_fetched_again_and_what_has_ended_is_not(
    here: Machine, there: Machine, store: FaultyStore
) -> None:
    writer = here.begin("run1")
    here.ship("run1")
    there.shared.fetch()
    assert there.run("run1").status is Status.INTERRUPTED
    writer.append(line("start", step=0, command="dbt seed"))
    writer.append(line("finish", step=0, status="error", exit_code=1, duration=1.0))
    writer.append(line("end", status="error", duration=2.0))
    here.ship("run1")
    there.shared.fetch()
    assert (there.run("run1").status, there.run("run1").resume_at) == (Status.ERROR, 0)
    assert there.ledger.made_here("run1") is False
    (name,) = (name for name in store.store.objects if name.endswith(".gz"))  # type: ignore[attr-defined]
    store.store.write(name, b"torn")
    there.shared.fetch()
    assert there.run("run1").status is Status.ERROR


def test_what_this_machine_has_more_of_stays(here: Machine) -> None:
    writer = here.begin("run1")
    here.ship("run1")
    writer.append(line("start", step=0, command="dbt seed"))
    here.shared.fetch()
    assert here.run("run1").steps[0].status is Status.INTERRUPTED
    assert here.ledger.made_here("run1")


def test_a_newest_run_that_is_torn_is_not_passed_over(here: Machine, there: Machine, store: FaultyStore) -> None:
    for minute, run_id in enumerate(("run1", "run2")):
        here.begin(run_id, minute)
        here.ship(run_id)
    older, newest = sorted(name for name in store.store.objects if name.endswith(".gz"))  # type: ignore[attr-defined]
    whole = store.store.read(newest)
    store.store.write(newest, whole[:20])
    store.store.write(older, b"")
    with pytest.raises(StoreUnreachableError, match=r"newest run of a job, .*run2\.gz, is torn"):
        there.shared.fetch()
    store.store.write(newest, whole)
    there.shared.fetch()
    assert [run.run_id for run in there.ledger.runs()] == ["run2"]


def test_names_that_lead_elsewhere_are_not_followed(here: Machine, there: Machine, store: FaultyStore) -> None:
    here.begin("run1")
    here.ship("run1")
    (name,) = (name for name in store.store.objects if name.endswith(".gz"))  # type: ignore[attr-defined]
    store.store.write(name.replace("run1", ".."), store.store.read(name))
    there.shared.fetch()
    assert [run.run_id for run in there.ledger.runs()] == ["run1"]
    assert not (there.ledger.folder.parent / "journal.jsonl").exists()


def test_the_newest_run_is_found_where_the_listing_lags(here: Machine, there: Machine, store: FaultyStore) -> None:
    for minute, run_id in enumerate(("run1", "run2")):
        here.begin(run_id, minute)
        here.ship(run_id)
    store.hidden.add(max(name for name in store.store.objects if name.endswith(".gz")))  # type: ignore[attr-defined]
    there.shared.fetch()
    assert [run.run_id for run in there.ledger.runs()] == ["run1", "run2"]


def test_the_oldest_runs_leave_the_store(here: Machine, there: Machine) -> None:
    for minute in range(4):
        here.begin(f"run{minute}", minute)
        here.ship(f"run{minute}")
    here.shared.prune("nightly", 2)
    there.shared.fetch()
    assert [run.run_id for run in there.ledger.runs()] == ["run2", "run3"]
    assert here.told == []


def test_the_invocation_of_a_step_is_its_newest_in_the_store_or_else_the_one_that_it_resumed(
    here: Machine, there: Machine
) -> None:
    here.ship_invocation("i0", 0, job_step="run1/2")
    here.ship_invocation("i1", 1, job_step="run1/2")
    here.ship_invocation("i2", 2, job_step="run1/1")
    assert there.shared.invocation_of("run1", 1, resumed="i0") == "i1"
    assert there.shared.invocation_of("run2", 1, resumed="i0") == "i0"
    assert there.shared.invocation_of("run2", 1, resumed="gone") is None
    assert there.shared.invocation_of("run2", 1, resumed=None) is None


def test_a_job_is_one_machines_until_it_lets_go(here: Machine, there: Machine) -> None:
    here.begin("run1")
    held = here.shared.claimed("nightly", "run1")
    held.start(here.run("run1"))
    assert there.shared.alive({"nightly", "other"}) == {"run1"}
    with pytest.raises(RetryRefusedError, match="Another run of the job 'nightly' is running"):
        there.shared.claimed("nightly", "run2")
    held.end()
    assert there.shared.alive({"nightly"}) == frozenset()
    there.shared.claimed("nightly", "run2").end()


def test_a_store_that_hangs_keeps_no_job_from_ending(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "_LONGEST_END", 0.05)
    answers = threading.Event()
    here.begin("run1")
    shared = sharing.Sharing(lambda _: answers.wait() and None, None, 0.01, here.told.append)
    shared.start(here.run("run1"))
    shared.note()
    shared.end()
    answers.set()
    assert here.told == ["The ledger's store does not answer: what became of this run is not in it."]


def test_an_outage_that_passes_is_one_warning_and_what_is_left_is_shipped(here: Machine, there: Machine) -> None:
    down, tried = threading.Event(), threading.Semaphore(0)
    down.set()

    def ship(run: JobRun) -> None:
        tried.release()
        if down.is_set():
            raise StoreUnreachableError("no route")
        here.shared.ship(run)

    here.begin("run1")
    shared = sharing.Sharing(ship, None, 0.01, here.told.append)
    shared.start(here.run("run1"))
    shared.note()
    for _ in range(3):
        assert tried.acquire(timeout=30)
    down.clear()
    shared.end()
    there.shared.fetch()
    assert [run.run_id for run in there.ledger.runs()] == ["run1"]
    assert here.told == ["What becomes of this run is not in the ledger's store: no route."]
