from __future__ import annotations

import os
from pathlib import Path

import pytest

from dbt_retry_plus.jobs.definition import Job, Step
from dbt_retry_plus.jobs.place import place_of
from dbt_retry_plus.jobs.running import resuming


def folder_of(
    root: Path, command: str, job_environment: dict[str, str] | None = None, **environment: str
) -> Path | None:
    step = Step(command, command)
    ledger = place_of(root, None, environment).ledger_of(Job("n", (step,), job_environment or {}), step)
    return ledger.folder if ledger else None


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in (tmp_path, tmp_path / "sub"):
        folder.mkdir(exist_ok=True)
        (folder / "dbt_project.yml").write_text("name: shop\n")
    return tmp_path


def test_a_step_records_where_its_options_and_variables_say(root: Path) -> None:
    assert folder_of(root, "dbt run") == root / "target/retry_plus"
    assert folder_of(root, "dbt run --project-dir sub") == root / "sub/target/retry_plus"
    assert folder_of(root, "dbt run --target-path=there") == root / "there/retry_plus"
    assert folder_of(root, "dbt run", {"DBT_TARGET_PATH": "there"}) == root / "there/retry_plus"
    assert folder_of(root, "dbt run", DBT_RETRY_PLUS_LEDGER="kept") == root / "kept"
    assert folder_of(root, "dbt run --project-dir nowhere") is None


def test_a_resumed_step_works_where_the_step_did() -> None:
    command = "dbt build -s x --profiles-dir profiles --target-path=there"
    assert resuming(Step(command, command), "i1") == (
        *("retry-plus", "--invocation", "i1", "--expect-invocation", "i1"),
        *("--profiles-dir", "profiles", "--target-path", "there"),
    )


def test_what_was_said_from_another_folder_is_said_from_the_folder_of_the_project(root: Path) -> None:
    environment = {"DBT_PROJECT_DIR": "elsewhere", "DBT_PROFILES_DIR": "profiles", "DBT_ENGINE_TARGET_PATH": "old"}
    assert place_of(root, "new", environment).environment == {
        "DBT_PROFILES_DIR": str(Path.cwd() / "profiles"),
        "DBT_TARGET_PATH": "new",
    }
    assert place_of(root, None, {"DBT_PROFILES_DIR": os.sep}).environment == {"DBT_PROFILES_DIR": os.sep}
