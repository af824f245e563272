"""A project with jobs, one of which is put right by an edit, and `dbt-retry-plus job` in it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
