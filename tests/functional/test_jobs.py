"""Jobs of several dbt commands, with real dbt in the processes that they start."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dbt_retry_plus.ledger.lock import is_held
from tests.functional.job_shop import DBT, FILES, JOBS, SECRET, Shop, statuses
from tests.support.jobs import validate
from tests.support.reports import validate as validate_report


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path / "shop")
    made.folder.mkdir()
    for path, text in FILES.items():
        made.write(path, text)
    made.write("dbt_retry_plus.yml", json.dumps({"jobs": JOBS}))
    return made


@pytest.fixture(scope="module")
def failed_nightly(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    made = Shop(tmp_path_factory.mktemp("template") / "shop")
    made.folder.mkdir()
    for path, text in FILES.items():
        made.write(path, text)
    made.write("dbt_retry_plus.yml", json.dumps({"jobs": JOBS}))
    printed = made.job("run", "nightly", exit_code=1)
    lines = [line.split() for line in printed.splitlines()[-4:]]
    assert lines[0][:4] == ["1.", "dbt", "deps", "success"]
    assert lines[1][:3] == ["2.", "middle", "error"] and lines[1][-2:] == ["ERROR=1", "SKIP=1"]
    assert lines[2][-1] == "skipped"
    assert "1 of 3 OK created sql view model main.early" in printed, "dbt's output is streamed through"
    return made


@pytest.fixture
def failed(failed_nightly: Shop, tmp_path: Path) -> Shop:
    """A job of which the second of three steps failed."""
    shutil.copytree(failed_nightly.folder, tmp_path / "shop")
    (tmp_path / "shop" / "target" / "partial_parse.msgpack").unlink()
    return Shop(tmp_path / "shop")


def test_a_failed_job_is_resumed_where_it_failed(failed: Shop) -> None:
    original = failed.jobs / failed.runs()[0]["run_id"] / "journal.jsonl"
    before = original.read_bytes()
    failed.raw_arrives()

    printed = failed.job("rerun", "nightly", "--from", "failure", program=DBT)

    shown, ran = printed.split("This run resumed execution from the last failed step (2 of 3: middle, of run ")
    assert "Steps that will run:\n  2. middle: dbt run --select early late below (resumes " in shown
    assert "  3. dbt run -s last" in shown and "dbt deps" not in shown
    assert "2 nodes run, 1 proven before" in ran
    rerun, run = failed.runs()
    assert rerun["rerun_of"] == run["run_id"] and run["reruns"] == [rerun["run_id"]]
    assert statuses(run) == ["success", "error", "skipped"]
    assert statuses(rerun) == ["done before", "success", "success"]
    assert failed.started(rerun["steps"][1]["invocation_id"]) == {"late", "below"}
    assert failed.started(rerun["steps"][2]["invocation_id"]) == {"last"}
    assert original.read_bytes() == before
    assert rerun["run_id"] in failed.job("show", run["run_id"][:8])

    refused = failed.job("rerun", "nightly", run["run_id"], "--from", "failure", exit_code=2)
    assert f"The latest status of the run {rerun['run_id'][:8]} of the job 'nightly' is success" in refused
    assert SECRET not in "".join(file.read_text() for file in failed.jobs.rglob("*.json*"))


def test_a_run_has_one_report_of_all_its_steps(failed: Shop) -> None:
    (run,) = failed.runs()
    told = json.loads(failed.job("report", run["run_id"][:8], "--format", "json"))
    validate_report(told)
    assert told["verdict"] == "still_failing"
    assert {
        node["unique_id"].split(".")[-1]: node["fate"] for node in told["nodes"] if node["resource_type"] == "model"
    } == {
        "early": "succeeded",
        "late": "failed",
        "below": "never attempted",
    }
    assert told["message"].splitlines() == ["1. dbt deps: success", "2. middle: error", "3. dbt run -s last: skipped"]
    failed.job("report", run["run_id"], "--format", "html", "--output-file", "run.html")
    assert "Ran dbt retry-plus job run nightly" in (failed.folder / "run.html").read_text()


def test_a_rerun_that_fails_is_rerun_in_turn(failed: Shop) -> None:
    document = json.loads(failed.job("rerun", "nightly", "--from", "failure", "--output", "json", exit_code=1))
    validate(document)
    assert statuses(document) == ["done before", "error", "skipped"]
    failed.raw_arrives()

    failed.job("rerun", "nightly", "--from", "failure", "--yes")

    third, second, first = failed.runs()
    assert [third["rerun_of"], second["rerun_of"], first["rerun_of"]] == [second["run_id"], first["run_id"], None]
    assert third["steps"][1]["attempts"][0]["resumed"] == second["steps"][1]["invocation_id"]
    assert failed.started(third["steps"][1]["invocation_id"]) == {"late", "below"}


def test_nothing_runs_unless_it_is_confirmed(failed: Shop) -> None:
    refused = failed.job("rerun", "nightly", "--from", "failure", "--confirm", exit_code=2)
    assert "Run them?" in refused and "Nothing was run, since it was not confirmed." in refused
    assert len(failed.runs()) == 1


def test_a_job_whose_steps_were_edited_is_resumed_only_when_that_is_forced(failed: Shop) -> None:
    edited = json.loads((failed.folder / "dbt_retry_plus.yml").read_text())
    edited["jobs"]["nightly"]["steps"][2] = "dbt parse"
    edited["jobs"]["nightly"]["env"]["GREETING"] = "good evening"
    failed.write("dbt_retry_plus.yml", json.dumps(edited))
    failed.raw_arrives()

    refused = failed.job("rerun", "nightly", "--from", "failure", exit_code=2)
    assert "The steps of the job 'nightly' are not those that the run " in refused and "[job-changed]" in refused
    assert len(failed.runs()) == 1

    forced = failed.job("rerun", "nightly", "--from", "failure", "--force")
    assert "[job-changed]" in forced and "[job-environment-changed]" in forced
    assert statuses(failed.runs()[0]) == ["done before", "success", "success"]
    assert failed.runs()[0]["steps"][2]["command"] == "dbt parse"


@pytest.mark.parametrize("killed", ["between steps", "before the end of a step was on record"])
def test_a_job_that_was_killed_is_resumed_from_what_is_on_record(failed: Shop, killed: str) -> None:
    run = failed.runs()[0]
    journal = failed.jobs / run["run_id"] / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    whole = 3 if killed == "between steps" else 4
    journal.write_bytes(b"".join(lines[:whole]) + lines[whole][:20])
    if whole == 3:  # then the second step had not begun
        shutil.rmtree(failed.jobs.parent / "invocations" / run["steps"][1]["invocation_id"])
    shown = failed.runs()[0]
    assert shown["status"] == "interrupted"
    assert statuses(shown) == ["success", "not started" if whole == 3 else "interrupted", "not started"]
    failed.raw_arrives()

    printed = failed.job("rerun", "nightly", "--from", "failure")

    middle = failed.runs()[0]["steps"][1]
    if whole == 3:
        assert "This run resumed execution from the first step that had not run (2 of 3: middle" in printed
        assert failed.started(middle["invocation_id"]) == {"early", "late", "below"}
    else:
        assert shown["steps"][1]["invocation_id"] == run["steps"][1]["invocation_id"]
        assert failed.started(middle["invocation_id"]) == {"late", "below"}


def test_a_job_that_is_killed_within_a_step_takes_dbt_with_it_and_is_resumed_there(shop: Shop) -> None:
    with shop.slow_job() as job:
        assert [shop.runs()[0]["status"], *statuses(shop.runs()[0])] == ["running", "running", "not started"]
        job.send_signal(signal.SIGKILL)
        job.wait()
    interrupted = shop.runs()[0]
    assert [interrupted["status"], *statuses(interrupted)] == ["interrupted", "interrupted", "not started"]

    shop.job("rerun", "slow", "--from", "failure")

    rerun = shop.runs()[0]
    assert statuses(rerun) == ["success", "success"]
    assert shop.started(rerun["steps"][0]["invocation_id"]) == {"slow"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_job_that_is_told_to_stop_stops_dbt_and_says_so(shop: Shop, number: signal.Signals) -> None:
    with shop.slow_job() as job:
        second = shop.job("run", "slow", exit_code=2)
        assert f"Another run of the job 'slow' is running (process {job.pid} on " in second
        job.send_signal(number)
        assert job.wait() == 1
    run = shop.runs()[0]
    assert [run["status"], *statuses(run)] == ["cancelled", "cancelled", "skipped"]
    assert run["steps"][0]["invocation_id"]
    assert "slow" in shop.job("rerun", "slow", "--from", "failure", "--confirm", exit_code=2)


def test_a_step_that_takes_too_long_is_stopped(shop: Shop) -> None:
    shop.write("hold", "")
    printed = shop.job("run", "hurried", exit_code=1)
    assert "timed out" in printed.splitlines()[-2]
    run = shop.runs()[0]
    assert [run["status"], *statuses(run)] == ["error", "timed out"]
    assert not is_held(shop.jobs / "running" / "hurried.step.lock"), "dbt is gone"


def test_a_further_attempt_resumes_the_one_before(shop: Shop) -> None:
    shop.job("run", "attempts")
    first, second = shop.runs()[0]["steps"][0]["attempts"]
    assert [first["status"], second["status"]] == ["error", "success"]
    assert second["resumed"] == first["invocation_id"]
    assert shop.started(second["invocation_id"]) == {"late"}


def test_a_project_that_does_not_parse_fails_its_step_with_the_message_of_dbt(shop: Shop) -> None:
    shop.write("models/broken.sql", "{% if %}")
    printed = shop.job("run", "slow", exit_code=2)
    assert "Compilation Error in model broken" in printed
    assert statuses(shop.runs()[0]) == ["error", "skipped"]
    shop.write("models/broken.sql", "select 1 as id")

    assert "resumes" in shop.job("rerun", "slow", "--from", "failure")
    assert shop.started(shop.runs()[0]["steps"][0]["invocation_id"]) == {"last", "slow"}


def test_all_steps_run_again_from_start(shop: Shop) -> None:
    shop.job("run", "slow")
    shop.job("rerun", "slow", "--from", "start")
    again, run = shop.runs()
    assert [again["rerun_of"], again["rerun_from"]] == [run["run_id"], "start"]
    assert shop.started(again["steps"][0]["invocation_id"]) == {"last", "slow"}


def test_what_only_a_shell_understands_is_refused(shop: Shop) -> None:
    shop.write("dbt_retry_plus.yml", "jobs:\n  nightly:\n    steps:\n      - dbt build; touch pwned\n")
    refused = shop.job("run", "nightly", exit_code=2)
    assert "line 4, has ';' outside of quotes in the step 'dbt build; touch pwned'." in refused
    shop.write("dbt_retry_plus.yml", json.dumps({"jobs": {"nightly": {"steps": ["dbt ls -s '; touch pwned #'"]}}}))
    shop.job("run", "nightly", exit_code=2)
    assert not (shop.folder / "pwned").exists()


def test_a_program_is_handed_what_became_of_a_job(shop: Shop) -> None:
    shop.write("dbt_retry_plus.yml", json.dumps({"jobs": {"nightly": {"steps": ["dbt nonsense", "dbt build"]}}}))
    code = (
        "import json; from dbt.cli.main import dbtRunner; "
        "done = dbtRunner().invoke(['retry-plus', 'job', 'run', 'nightly']); "
        "print(json.dumps([done.success, str(done.exception), done.result['status']]))"
    )
    done = subprocess.run(
        [sys.executable, "-P" if sys.version_info >= (3, 11) else "-s", "-c", code],
        cwd=shop.folder,
        env=shop.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [False, "None", "error"]
    assert statuses(shop.runs()[0]) == ["error", "skipped"]


def test_what_is_not_there_is_said(shop: Shop) -> None:
    assert "There is no job 'nigthly' in " in shop.job("run", "nigthly", exit_code=2)
    assert "has not run yet" in shop.job("rerun", "nightly", "--from", "failure", exit_code=2)
    assert "There is no run 'abc' of a job" in shop.job("show", "abc", exit_code=2)
    assert "There are no runs of jobs" in shop.job("history")
    assert not shop.jobs.exists() or not any(path for path in shop.jobs.iterdir() if path.name != "running")
