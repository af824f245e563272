"""What docs/jobs.md shows works, word for word."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from dbt_retry_plus.jobs import definition, planning
from dbt_retry_plus.jobs.record import RESUMABLE, Status
from dbt_retry_plus.words import GRACE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "jobs.md").read_text(encoding="utf-8")
DBT = str(Path(sys.executable).with_name("dbt"))


def fenced(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


def without_times(text: str) -> str:
    """Ids and times differ each time."""
    words = re.sub(r"\b[0-9a-f]{8}\b", "ID", re.sub(r"\b[\d.]+ [sm]\b", "TIME", text))
    return re.sub(r" +", " ", re.sub(r"(PASS|SKIP)=\d+", r"\1", words)).strip()


def test_the_job_of_the_page_fails_and_is_resumed(tmp_path: Path) -> None:
    files = {
        "dbt_project.yml": "{name: shop, version: '1.0', profile: shop, config-version: 2}",
        "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}",
        "models/staging/first.sql": "select 1 as id",
        "models/staging/late.sql": "select * from raw.late",
        "models/staging/below.sql": "select * from {{ ref('late') }}",
        "models/marts/last.sql": "select '{{ env_var(\"WAREHOUSE_SIZE\") }}' as size from {{ ref('below') }}",
        "dbt_retry_plus.yml": fenced("yaml")[0],
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    def shown(command: str, exit_code: int) -> str:
        environment = {**os.environ, "DBT_PROFILES_DIR": str(tmp_path), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
        done = subprocess.run(
            [DBT, *shlex.split(command)[1:]], cwd=tmp_path, env=environment, text=True, capture_output=True, check=False
        )
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done.stdout

    run, rerun = fenced("console")
    assert without_times(fenced("text")[0]) in without_times(shown(run, 1))
    (tmp_path / "models/staging/late.sql").write_text("select 2 as id")
    assert without_times(fenced("text")[1]) in without_times(shown(rerun, 0))


def test_what_is_named_is_there() -> None:
    findings = re.findall(r"^\| `(job-[\w-]+|step-[\w-]+)`", PAGE, flags=re.MULTILINE)
    assert findings
    assert all(f'"{code}"' in Path(planning.__file__).read_text() for code in findings)
    keys = re.findall(r"^\| `(\w+)` \|", PAGE.split("## Steps", 1)[1].split("\n## ", 1)[0], flags=re.MULTILINE)
    assert set(keys) == definition._STEP_KEYS
    assert f"killed {GRACE:.0f} seconds later" in PAGE
    assert (ROOT / "dbt_retry_plus/jobs/job.schema.json").is_file()
    statuses = re.findall(r"^\| `(\w+)` \| (?:all|a|it|its) ", PAGE, flags=re.MULTILINE)
    assert {Status(status) for status in statuses} == {Status.SUCCESS, *RESUMABLE}
