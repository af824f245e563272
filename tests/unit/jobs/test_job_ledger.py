from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.jobs.definition import Job, Step
from dbt_retry_plus.jobs.definition_record import definition_record, lines_of
from dbt_retry_plus.jobs.job_ledger import JobLedger, run_named
from dbt_retry_plus.jobs.record import SCHEMA, Status, run_of
from dbt_retry_plus.jobs.report import run_document, run_lines
from dbt_retry_plus.ledger.journal import encode
from dbt_retry_plus.ledger.local import LocalLedger
from tests.support.dying import holding
from tests.support.jobs import validate
from tests.support.ledgers import record

HOLD = """
from pathlib import Path
from dbt_retry_plus.jobs.job_ledger import JobLedger
from dbt_retry_plus.ledger.local import LocalLedger
lock = JobLedger(LocalLedger(Path(sys.argv[1]))).only_run("nightly")
lock.__enter__()
"""
HOLD_STEP = """
from filelock import FileLock
from pathlib import Path
Path(sys.argv[1]).parent.mkdir(parents=True)
lock = FileLock(sys.argv[1])
lock.acquire()
"""


def head(run_id: str = "run1", minute: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "event": "job",
        "schema": SCHEMA,
        "run_id": run_id,
        "job": "nightly",
        "started_at": f"2026-01-02T03:{minute:02}:00.000000Z",
        "rerun_of": None,
        "beginning": "start",
        "first": 0,
        "resumes": None,
        "definition": {"steps": [{"name": "a", "command": "dbt seed"}, {"name": "b", "command": "dbt run"}], "env": {}},
        "pid": 42,
        "host": "here",
        "user": "ann",
        **changes,
    }


def start(step: int, **changes: Any) -> dict[str, Any]:
    return {"event": "start", "at": "2026-01-02T03:00:01.000000Z", "step": step, "command": "dbt x", **changes}


def finish(step: int, status: str = "success", code: int = 0, **changes: Any) -> dict[str, Any]:
    at = "2026-01-02T03:00:02.000000Z"
    return {"event": "finish", "at": at, "step": step, "status": status, "exit_code": code, "duration": 1.5, **changes}


def end(status: str) -> dict[str, Any]:
    return {"event": "end", "at": "2026-01-02T03:00:03.000000Z", "status": status, "duration": 3.0}


FAILED = [head(), start(0), finish(0), start(1), finish(1, "error", 1, invocation_id="i1"), end("error")]


@pytest.fixture
def ledger(tmp_path: Path) -> JobLedger:
    return JobLedger(LocalLedger(tmp_path))


def write(ledger: JobLedger, *lines: dict[str, Any]) -> Path:
    journal = ledger.begin(lines[0]["run_id"], encode(lines[0]))
    for line in lines[1:]:
        journal.append(encode(line))
    journal.close()
    return ledger.folder / lines[0]["run_id"]


def statuses(lines: list[dict[str, Any]], *, running: bool = False) -> list[Status]:
    return [step.status for step in run_of(lines, running=running).steps]


@pytest.mark.parametrize(
    ("lines", "status", "first", "second"),
    [
        (1, Status.INTERRUPTED, Status.NOT_STARTED, Status.NOT_STARTED),
        (2, Status.INTERRUPTED, Status.INTERRUPTED, Status.NOT_STARTED),
        (3, Status.INTERRUPTED, Status.SUCCESS, Status.NOT_STARTED),
        (4, Status.INTERRUPTED, Status.SUCCESS, Status.INTERRUPTED),
        (5, Status.INTERRUPTED, Status.SUCCESS, Status.ERROR),
        (6, Status.ERROR, Status.SUCCESS, Status.ERROR),
    ],
)
def test_a_journal_that_ends_anywhere_tells_what_is_done(
    lines: int, status: Status, first: Status, second: Status
) -> None:
    run = run_of(FAILED[:lines])
    assert [run.status, *(step.status for step in run.steps)] == [status, first, second]
    validate(run_document(run))
    assert list(run_lines(run))[-1].startswith("Job nightly, run run1: ")


def test_steps_after_a_failed_one_are_skipped_and_those_of_a_running_job_not_started() -> None:
    failed_first = [head(), start(0), finish(0, "error", 1), end("error")]
    assert statuses(failed_first) == [Status.ERROR, Status.SKIPPED]
    assert statuses(failed_first[:2], running=True) == [Status.RUNNING, Status.NOT_STARTED]


def test_the_last_attempt_of_a_step_counts_and_its_time_is_that_of_all() -> None:
    tried = [head(), start(0), finish(0, "error", 1, invocation_id="i1"), start(0, resumes="i1"), finish(0)]
    step = run_of(tried).steps[0]
    assert (step.status, step.duration, step.invocation_id) == (Status.SUCCESS, 3.0, "i1")
    assert "success (2 attempts)" in "\n".join(run_lines(run_of(tried)))


def test_what_is_written_is_read(ledger: JobLedger) -> None:
    write(ledger, *FAILED)
    write(ledger, head("run2", minute=1, rerun_of="run1", first=1), start(1), finish(1), end("success"))
    runs = ledger.runs()
    assert [(run.run_id, run.status) for run in runs] == [("run1", Status.ERROR), ("run2", Status.SUCCESS)]
    assert [step.status for step in runs[1].steps] == [Status.DONE_BEFORE, Status.SUCCESS]
    assert run_document(runs[0], runs)["reruns"] == ["run2"]
    assert (ledger.folder / "run1").stat().st_mode & 0o077 == 0
    assert run_named("run1", runs) is runs[0]
    with pytest.raises(RetryRefusedError, match="2 runs begin with 'run': run1, run2"):
        run_named("run", runs)


def test_the_invocation_of_a_step_that_was_killed_is_found_on_the_ledger(ledger: JobLedger) -> None:
    record(ledger.ledger, "i0", job_step="run1/2", started_at="2026-01-02T03:00:00.000000Z")
    record(ledger.ledger, "i1", job_step="run1/2", started_at="2026-01-02T03:01:00.000000Z")
    record(ledger.ledger, "i2", job_step="run1/1", started_at="2026-01-02T03:02:00.000000Z")
    record(ledger.ledger, "i3", started_at="2026-01-02T03:03:00.000000Z")
    write(ledger, *FAILED[:4])
    assert [step.invocation_id for step in ledger.runs()[0].steps] == [None, "i1"]


def test_a_run_is_running_as_long_as_its_process_or_that_of_a_step_lives(ledger: JobLedger) -> None:
    write(ledger, *FAILED[:2])
    write(ledger, head("run2", minute=1))
    with holding(HOLD, ledger.ledger.folder) as process:
        assert [run.status for run in ledger.runs()] == [Status.INTERRUPTED, Status.RUNNING]
        with (
            pytest.raises(
                RetryRefusedError, match=rf"Another run of the job 'nightly' is running \(process {process.pid}"
            ),
            ledger.only_run("nightly"),
        ):
            pytest.fail("two at once")
        with ledger.only_run("another"):
            pass
    assert [run.status for run in ledger.runs()] == [Status.INTERRUPTED, Status.INTERRUPTED]
    with ledger.only_run("nightly"):
        assert [run.status for run in ledger.runs(held="nightly")] == [Status.INTERRUPTED, Status.INTERRUPTED]


def test_a_step_that_outlives_its_job_keeps_the_next_run_waiting(ledger: JobLedger) -> None:
    write(ledger, *FAILED[:2])
    with holding(HOLD_STEP, ledger.step_lock("nightly")):
        assert ledger.runs()[0].status is Status.RUNNING
        with pytest.raises(RetryRefusedError, match="is still running"), ledger.only_run("nightly"):
            pytest.fail("two at once")
    with ledger.only_run("nightly"):
        pass


def test_a_record_of_the_newest_run_that_is_damaged_is_refused_and_an_older_one_passed_over(ledger: JobLedger) -> None:
    older = write(ledger, *FAILED) / "journal.jsonl"
    older.write_bytes(older.read_bytes().replace(b"nightly", b"nightlx", 1))
    with pytest.raises(RetryRefusedError, match=r"The record of the newest run of a job, .* is damaged"):
        ledger.runs()
    write(ledger, head("run2", minute=1))
    (ledger.folder / "foreign").mkdir()
    os.utime(older, (1, 1))
    assert [run.run_id for run in ledger.runs()] == ["run2"]


def test_what_a_newer_version_wrote_is_refused(ledger: JobLedger) -> None:
    write(ledger, head(schema="dbt-retry-plus/job-journal/v2"))
    with pytest.raises(RetryRefusedError, match="written by a newer dbt-retry-plus"):
        ledger.runs()


def test_the_oldest_runs_make_room(ledger: JobLedger) -> None:
    for number in range(4):
        write(ledger, head(f"run{number}", minute=number))
    ledger.prune(2)
    assert [run.run_id for run in ledger.runs()] == ["run2", "run3"]
    assert sorted(path.name for path in ledger.folder.iterdir()) == ["run2", "run3"]


def test_a_definition_is_kept_without_secrets_and_without_what_variables_hold() -> None:
    step = Step("hunter2", "dbt run --vars '{DBT_ENV_SECRET_KEY: sesame}' -s hunter2")
    job = Job("nightly", (step,), {"DBT_ENV_SECRET_PASSWORD": "hunter2", "GREETING": "good evening"})
    kept = definition_record(job, lines_of(job, dict(job.environment)), "run1")
    assert not any(secret in json.dumps(kept) for secret in ("hunter2", "sesame", "good evening"))
    assert kept["steps"][0]["command"] == "dbt run --vars '{DBT_ENV_SECRET_KEY: *****}' -s *****"
    assert kept == definition_record(job, lines_of(job, dict(job.environment)), "run1")
    other = Job("nightly", (step,), {**job.environment, "GREETING": "good morning"})
    assert kept["env"] != definition_record(other, lines_of(other, dict(other.environment)), "run1")["env"]
