"""A job that failed, or was killed, on one machine is resumed on another: all that they share is a store."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest

from dbt_retry_plus.ledger.local import LocalLedger
from tests.functional.job_shop import FILES, JOBS, Shop, statuses, wait_for

pytest.importorskip("fsspec", reason="fsspec is not installed")


def machine(root: Path, name: str, **settings: object) -> Shop:
    """A folder with the project, and nothing that was run in it; the warehouse is where all machines reach it."""
    made = Shop(root / name / "shop")
    made.folder.mkdir(parents=True)
    for path, text in FILES.items():
        made.write(path, text.replace("shop.duckdb", str(root / "warehouse.duckdb")))
    shared = {"ledger": f"file://{root}/store", "ledger_environment": "prod", "ledger_interval": "0.3s"}
    made.write(
        "dbt_retry_plus.yml", json.dumps({"jobs": JOBS, **{k: v for k, v in {**shared, **settings}.items() if v}})
    )
    return made


def raw_arrives(root: Path) -> None:
    import duckdb

    with duckdb.connect(str(root / "warehouse.duckdb")) as connection:
        connection.execute("create schema raw; create table raw.late as select 1 as id")


def test_a_job_that_failed_on_one_machine_is_resumed_on_another(tmp_path: Path) -> None:
    here, there = machine(tmp_path, "here"), machine(tmp_path, "there")
    here.job("run", "nightly", exit_code=1)
    raw_arrives(tmp_path)
    shutil.rmtree(here.folder / "target")

    done = there.job("rerun", "nightly", "--from", "failure", "--yes")

    assert "This run resumed execution from the last failed step (2 of 3: middle, of run" in done
    rerun, failed = there.runs()
    assert statuses(failed) == ["success", "error", "skipped"]
    assert statuses(rerun) == ["done before", "success", "success"]
    assert rerun["rerun_of"] == failed["run_id"]
    assert there.started(rerun["steps"][1]["invocation_id"]) == {"late", "below"}
    assert here.runs() == [rerun, failed]
    again = here.job("rerun", "nightly", "--from", "failure", "--yes", exit_code=2)
    assert "is success" in again
    assert_reported_alike(here, there, rerun["run_id"])


def assert_reported_alike(here: Shop, there: Shop, run_id: str) -> None:
    """A machine that ran nothing of a run reports it as the one that did, and what is next to resume stays the same."""
    before = [entry.invocation_id for entry in LocalLedger(here.folder / "target" / "retry_plus").entries()]
    told, known = (json.loads(shop.job("report", run_id, "--format", "json")) for shop in (here, there))
    assert told == known
    assert {node["fate"] for node in told["nodes"]} >= {"recovered", "succeeded"}
    assert [e.invocation_id for e in LocalLedger(here.folder / "target" / "retry_plus").entries()] == before


def test_a_job_that_was_killed_is_resumed_on_another_machine_and_one_that_runs_is_not(tmp_path: Path) -> None:
    here, there = machine(tmp_path, "here"), machine(tmp_path, "there")
    with here.slow_job() as process:
        wait_for(lambda: [run["status"] for run in there.runs()] == ["running"])
        for words in (("run", "slow"), ("rerun", "slow", "--from", "failure", "--yes")):
            refused = there.job(*words, exit_code=2)
            assert "Another run of the job 'slow' is running (process" in refused
        process.send_signal(signal.SIGKILL)
        process.wait()
    shutil.rmtree(here.folder / "target")

    there.job("rerun", "slow", "--from", "failure", "--yes")

    rerun, killed = there.runs()
    assert statuses(killed) == ["interrupted", "not started"]
    assert statuses(rerun) == ["success", "success"]
    assert there.started(rerun["steps"][0]["invocation_id"]) == {"slow"}


def test_a_store_that_is_not_there_keeps_no_job_from_running_and_refuses_a_rerun(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    here = machine(tmp_path, "here", ledger=f"file://{tmp_path}/file/store")
    printed = here.job("run", "nightly", exit_code=1)
    assert "cannot be reached" in printed
    refused = here.job("rerun", "nightly", "--from", "failure", "--yes", exit_code=2)
    assert "pass --ledger-optional" in refused
    raw_arrives(tmp_path)
    here.job("rerun", "nightly", "--from", "start", "--yes", "--ledger-optional")
    assert [run["status"] for run in here.runs()] == ["success", "error"]


def test_without_the_name_of_an_environment_runs_stay_on_their_machine_and_that_is_said(tmp_path: Path) -> None:
    here, there = machine(tmp_path, "here", ledger_environment=""), machine(tmp_path, "there")
    printed = here.job("run", "nightly", exit_code=1)
    assert "set ledger_environment to have them in the ledger's store" in printed
    assert there.runs() == []
    assert len(here.runs()) == 1
