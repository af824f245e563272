"""docs/recipes.md: its script works with a real dbt, and what it shows of other programs is well-formed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
BASH = shutil.which("bash")


def fenced(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    resumable, nightly = fenced("bash")
    files = {
        "dbt_project.yml": "{name: shop, version: '1.0', profile: shop, config-version: 2}",
        "profiles.yml": "shop: {target: prod, outputs: {prod: {type: duckdb, path: shop.duckdb}}}",
        "models/first.sql": "select 1 as id",
        "models/late.sql": "select * from raw.late",
        "dbt-resumable.sh": resumable,
        "nightly.sh": nightly,
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
        (tmp_path / path).chmod(0o755)
    return tmp_path


def run(project: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        **variables,
    }
    environment.pop("DBT_RETRY_PLUS_LEDGER", None)
    return subprocess.run([*command], cwd=project, env=environment, text=True, capture_output=True, check=False)


@pytest.mark.skipif(BASH is None, reason="the scripts are for bash")
def test_the_script_runs_a_command_once_and_resumes_it_then(project: Path) -> None:
    def resumable(tag: str) -> subprocess.CompletedProcess[str]:
        return run(project, "./dbt-resumable.sh", "build", DBT_RETRY_PLUS_TAG=tag, DBT_TARGET="prod")

    assert resumable("ci/1").returncode == 1
    (project / "models/late.sql").write_text("select 2 as id")

    second = resumable("ci/1")
    assert second.returncode == 0, second.stdout + second.stderr
    assert "Resumed from" in second.stdout and "main.first" not in second.stdout
    third = resumable("ci/1")
    assert third.returncode == 0 and "Nothing to retry" in third.stdout
    other = resumable("ci/2")
    assert other.returncode == 0 and "main.first" in other.stdout
    assert run(project, "./dbt-resumable.sh", "build", DBT_RETRY_PLUS_TAG="").returncode == 2
    (project / "dbt_project.yml").write_text("{")
    assert resumable("ci/1").returncode == 2


@pytest.mark.skipif(BASH is None, reason="the scripts are for bash")
def test_the_script_of_cron_stops_when_trying_again_cannot_help(project: Path) -> None:
    done = run(project, "./nightly.sh", PAUSE="0")
    assert done.returncode == 1
    assert done.stdout.count("of 2 START sql") == 2  # the two models of one build, and no retry
    (project / "models/late.sql").write_text("select 2 as id")
    assert run(project, "./nightly.sh", PAUSE="0").returncode == 0


@pytest.mark.skipif(BASH is None, reason="the scripts are for bash")
def test_scripts_are_bash(tmp_path: Path) -> None:
    for script in fenced("bash"):
        assert subprocess.run([str(BASH), "-n"], input=script, text=True, check=False).returncode == 0


def test_documents_are_well_formed() -> None:
    documents = [yaml.safe_load(text) for text in fenced("yaml")]
    assert len(documents) == 5
    texts = fenced("yaml")
    assert all("DBT_RETRY_PLUS_LEDGER" in text for text in texts if "DBT_RETRY_PLUS_TAG" in text)
    github, _, gitlab, _, kubernetes = documents
    assert github["jobs"]["build"]["env"]["DBT_TARGET"] == gitlab["build"]["variables"]["DBT_TARGET"] == "prod"
    pod = kubernetes["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["restartPolicy"] == "Never"  # podFailurePolicy takes no other
    names = [variable["name"] for variable in pod["containers"][0]["env"]]
    assert names.index("JOB") < names.index("DBT_RETRY_PLUS_TAG")  # $(JOB) is replaced by what came before


def test_options_and_links_are_there() -> None:
    from dbt_retry_plus.cli.exec import exec_command
    from dbt_retry_plus.cli.find import find
    from dbt_retry_plus.cli.retry_plus import retry_plus

    known = {
        option
        for command in (exec_command, find, retry_plus)
        for parameter in command.params
        for option in parameter.opts
    }
    shown = set(re.findall(r"(?<![\w-])--[a-z][\w-]+", re.sub(r"job rerun --from failure", "", PAGE)))
    assert shown <= known
    for link in re.findall(r"\]\(([^)#]+)", PAGE):
        assert "://" in link or (ROOT / "docs" / link).exists(), link
