"""Jobs of several dbt commands, with real dbt in the processes that they start."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dbt_retry_plus.ledger.lock import is_held
from tests.support.invocations import tool_environment
from tests.support.jobs import validate

SCRIPT = Path(sys.executable).with_name("dbt-retry-plus")
DBT = Path(sys.executable).with_name("dbt")
SECRET = "hunter2_of_the_job"

# Waits in a query, so that dbt can cancel it: for long, or with an old DuckDB, which cannot sleep, until the file is gone.
NAP = """
{% macro nap() -%}
  {%- if execute and run_query("select 1 from glob('hold')") | length -%}
    {%- if run_query("select 1 from duckdb_functions() where function_name = 'sleep_ms'") | length -%}
      {%- do run_query("with recursive naps(remaining) as (select 12000 union all select case when sleep_ms(50) is null "
                       "then remaining - 1 else remaining - 1 end from naps where remaining > 0) "
                       "select min(remaining) from naps") -%}
    {%- else -%}
      {%- for _ in range(100000) if run_query("select 1 from glob('hold')") | length -%}{%- endfor -%}
    {%- endif -%}
  {%- endif -%}
{%- endmacro %}
"""
# What the model `late` lacks is there once dbt has run.
ARRIVES = """
{% macro arrives() -%}
  {%- if var('arrives', false) -%}
    create schema if not exists raw; create table if not exists raw.late as select 1 as id
  {%- endif -%}
{%- endmacro %}
"""
FILES = {
    "dbt_project.yml": json.dumps(
        {
            "name": "shop",
            "version": "1.0",
            "profile": "shop",
            "config-version": 2,
            "on-run-end": ["{{ arrives() }}"],
        }
    ),
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, threads: 1}}}",
    "macros/nap.sql": NAP + ARRIVES,
    "models/early.sql": "select '{{ env_var('GREETING') }}' as greeting",
    "models/late.sql": "{{ config(materialized='table') }} select * from raw.late",
    "models/below.sql": "select * from {{ ref('late') }}",
    "models/last.sql": "select 1 as id",
    "models/slow.sql": "{{ config(materialized='table', pre_hook='{{ nap() }}') }} select 1 as id",
    # A file of the project must not take the place of a module.
    "yaml.py": "raise ImportError('the folder of the project is on the path')",
}
JOBS = {
    "nightly": {
        "steps": ["dbt deps", {"name": "middle", "command": "dbt run --select early late below"}, "dbt run -s last"],
        "env": {"GREETING": "hello", "DBT_ENV_SECRET_PASSWORD": SECRET},
    },
    "attempts": {
        "steps": [{"name": "twice", "command": "dbt run --select early late --vars '{arrives: true}'", "attempts": 2}],
        "env": {"GREETING": "hello"},
    },
    "slow": {"steps": ["dbt run --select last slow", "dbt run -s early"], "env": {"GREETING": "hello"}},
    "hurried": {"steps": [{"command": "dbt run --select slow", "timeout": "10s"}], "env": {"GREETING": "hello"}},
}


@dataclass(frozen=True)
class Shop:
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return tool_environment(self.folder.parent)

    @property
    def jobs(self) -> Path:
        return self.folder / "target" / "retry_plus" / "jobs"

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(exist_ok=True)
        (self.folder / path).write_text(text)

    def job(self, *arguments: str, exit_code: int = 0, program: Path = SCRIPT, **variables: str) -> str:
        command = [str(program), *(["retry-plus"] if program == DBT else []), "job", *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == exit_code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr  # dbt's own, after an interrupt, goes to stdout
        return done.stdout if exit_code != 2 else done.stdout + done.stderr

    def runs(self) -> list[dict[str, Any]]:
        """The newest first; the commands that look at runs must do without dbt."""
        listed = self._looked_at("history", "--output", "json")
        assert listed["schema"] == "dbt-retry-plus/job-history/v1"
        for run in listed["runs"]:
            validate(run)
            assert self._looked_at("show", run["run_id"], "--output", "json") == run
        return listed["runs"]

    def _looked_at(self, *arguments: str) -> dict[str, Any]:
        done = subprocess.run(
            [str(SCRIPT), "job", *arguments],
            cwd=self.folder,
            env={**self.environment, "PYTHONVERBOSE": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert "import 'dbt.cli" not in done.stderr
        return json.loads(done.stdout)

    def started(self, invocation_id: str) -> set[str]:
        """The models that an invocation began."""
        journal = self.jobs.parent / "invocations" / invocation_id / "journal.jsonl"
        lines = [json.loads(line) for line in journal.read_text().splitlines()]
        begun = [line["node"] for line in lines if line["event"] == "start"]
        return {node.split(".")[-1] for node in begun if node.startswith("model.")}

    def execute(self, sql: str) -> None:
        import duckdb

        with duckdb.connect(str(self.folder / "shop.duckdb")) as connection:
            connection.execute(sql)

    def raw_arrives(self) -> None:
        self.execute("create schema raw; create table raw.late as select 1 as id")

    @contextmanager
    def slow_job(self) -> Iterator[subprocess.Popen[str]]:
        """A job in the middle of its slow model."""
        self.write("hold", "")
        with subprocess.Popen(
            [str(SCRIPT), "job", "run", "slow"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            try:
                wait_for(self._slow_has_begun)
                yield process
            finally:
                process.kill()
        wait_for(lambda: not is_held(self.jobs / "running" / "slow.step.lock"))
        (self.folder / "hold").unlink()

    def _slow_has_begun(self) -> bool:
        invocations = self.jobs.parent / "invocations"
        return invocations.is_dir() and any(
            not folder.name.startswith(".") and "slow" in self.started(folder.name) for folder in invocations.iterdir()
        )


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def statuses(run: dict[str, Any]) -> list[str]:
    return [step["status"] for step in run["steps"]]


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
