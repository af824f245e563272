"""What cannot be retried is refused in one sentence that says what, where and what to do: exit 2, nothing changed.

What makes `dbt retry` show a traceback is row 35 of "How it differs from dbt retry".
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.functional.refusals import PROJECT, RUN_AGAIN, TARGET, refused, sentence, usage_error
from tests.support.differential import Retry
from tests.support.inline_projects import Workshop
from tests.support.invocations import RunnerCall, dbt_version


@dataclass(frozen=True)
class Damage:
    do: Callable[[Path], Any]
    says: str
    upstream_shows_a_traceback: bool = False


def edited(**changes: Any) -> Callable[[Path], Any]:
    """Change values of run_results.json: `args__which="x"`; None takes the key out."""

    def edit(file: Path) -> None:
        document = json.loads(file.read_text())
        for keys, value in changes.items():
            part: Any = document
            *way, last = keys.split("__")
            for key in way:
                part = part[int(key) if isinstance(part, list) else key]
            if value is None:
                del part[last]
            else:
                part[last] = value
        file.write_text(json.dumps(document))

    return edit


def holding(content: bytes) -> Callable[[Path], Any]:
    return lambda file: file.write_bytes(content)


def replaced(make: Callable[[Path], Any]) -> Callable[[Path], Any]:
    def replace(file: Path) -> None:
        file.unlink()
        make(file)

    return replace


SCHEMA = "https://schemas.getdbt.com/dbt/run-results/v{}.json"


def of_schema(version: str | None) -> Callable[[Path], Any]:
    return edited(metadata__dbt_schema_version=version)


DAMAGES = {
    "missing": Damage(Path.unlink, "there is no run_results.json in '{folder}'."),
    "empty": Damage(holding(b""), "'{file}' is not a JSON document"),
    "truncated": Damage(lambda file: os.truncate(file, 300), "'{file}' is not a JSON document"),
    "text": Damage(holding(b"not JSON"), "'{file}' is not a JSON document"),
    "binary": Damage(holding(b"\xff\xfe\x00{"), "'{file}' is not a JSON document"),
    "nested too deep": Damage(holding(b"[" * 200_000), "'{file}' is not a JSON document"),
    "empty object": Damage(holding(b"{}"), "'{file}' does not hold the results of a dbt command", True),
    "empty list": Damage(holding(b"[]"), "'{file}' does not hold the results of a dbt command", True),
    "results are no list": Damage(edited(results="none"), "'results' is missing or of another kind."),
    "older schema": Damage(
        of_schema(SCHEMA.format(3)), f"'{{file}}' has the schema version '{SCHEMA.format(3)}', and this version of"
    ),
    "newer schema": Damage(
        of_schema(SCHEMA.format(99)), f"'{{file}}' has the schema version '{SCHEMA.format(99)}', and this version of"
    ),
    "no schema": Damage(of_schema(None), "'{file}' has the schema version 'None', and this version of"),
    "no command": Damage(edited(args__which=None), "'{file}' does not say which dbt command wrote it", True),
    "unknown command": Damage(
        edited(args__which="frobnicate"), "'{file}' was written by the dbt command 'frobnicate'", True
    ),
    "unknown status": Damage(
        edited(results__0__status="bogus"), "'{file}' gives model.shop.late the unknown status 'bogus'.", True
    ),
    "row without a node": Damage(edited(results__0__unique_id=None), "Row 1 of the results in '{file}'"),
    "folder": Damage(replaced(Path.mkdir), "Could not read '{file}': Is a directory."),
    "link to itself": Damage(
        replaced(lambda file: file.symlink_to(file.name)), "Could not read '{file}': Too many levels of symbolic links."
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_results_that_cannot_be_read(workshop: Workshop, damage: str) -> None:
    prepared = workshop.prepare(PROJECT)
    workshop.restore(prepared)
    file = workshop.stage / TARGET / "run_results.json"
    DAMAGES[damage].do(file)

    said = sentence(refused(workshop, Retry()))

    assert DAMAGES[damage].says.format(file=file, folder=file.parent) in said
    assert said.endswith(RUN_AGAIN)


@pytest.mark.parametrize("damage", [name for name, damage in DAMAGES.items() if damage.upstream_shows_a_traceback])
def test_row_35_dbt_retry_shows_a_traceback(workshop: Workshop, damage: str) -> None:
    prepared = workshop.prepare(PROJECT)
    workshop.restore(prepared)
    DAMAGES[damage].do(workshop.stage / TARGET / "run_results.json")

    upstream = refused(workshop, Retry(), "retry")

    if damage == "empty object" and dbt_version() >= (1, 12):  # a sentence by now, which does not say of what file
        assert "Artifact is missing schema version" in upstream.output
        assert "run_results.json" not in upstream.output
    else:
        assert "Traceback (most recent call last)" in upstream.output


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_results_that_may_not_be_read(workshop: Workshop) -> None:
    prepared = workshop.prepare(PROJECT)
    workshop.restore(prepared)
    file = workshop.stage / TARGET / "run_results.json"
    file.chmod(0)
    before = file.lstat()

    invocation = workshop.dbt(PROJECT)("retry-plus")

    assert invocation.exit_code == 2
    assert sentence(invocation) == f"Could not read '{file}': Permission denied. {RUN_AGAIN}"
    assert file.lstat().st_mtime_ns == before.st_mtime_ns


def test_no_command_ran_before(workshop: Workshop) -> None:
    workshop.restore(workshop.prepare(PROJECT.after()))

    said = sentence(refused(workshop, Retry()))

    folder = workshop.stage / TARGET
    assert said.startswith(f"There is no previous invocation to retry: the folder '{folder}' does not exist.")
    assert said.endswith(RUN_AGAIN)


def test_a_state_that_does_not_exist(workshop: Workshop) -> None:
    workshop.restore(workshop.prepare(PROJECT))

    said = sentence(refused(workshop, Retry("--state nowhere")))

    assert f"the folder '{workshop.stage / 'project' / 'nowhere'}' does not exist." in said
    assert said.endswith(RUN_AGAIN)


def test_a_state_that_is_a_file(workshop: Workshop) -> None:
    workshop.restore(workshop.prepare(PROJECT))

    said = usage_error(refused(workshop, Retry("--state dbt_project.yml")))

    assert said == "Invalid value for '--state': Directory 'dbt_project.yml' is a file."


def test_no_project(workshop: Workshop) -> None:
    workshop.restore(workshop.prepare(PROJECT))
    (workshop.stage / "home" / ".dbt").mkdir()
    folder = workshop.stage / "elsewhere"
    folder.mkdir()

    said = sentence(refused(workshop, Retry(folder="elsewhere", log="elsewhere/logs/dbt.log")))

    assert said == (
        f"'{folder}' is not a dbt project: it holds no dbt_project.yml. "
        "Go to the project's folder, or name it with --project-dir."
    )


def test_no_profiles(workshop: Workshop) -> None:
    workshop.restore(workshop.prepare(PROJECT))
    (workshop.stage / "project" / "profiles.yml").unlink()
    folder = workshop.stage / "home" / ".dbt"
    folder.mkdir()

    said = sentence(refused(workshop, Retry()))

    assert said == (
        f"There is no profiles.yml in '{folder}'. Name the folder that holds it with --profiles-dir or DBT_PROFILES_DIR."
    )


def test_no_such_profile(workshop: Workshop) -> None:
    workshop.restore(workshop.prepare(PROJECT))

    assert sentence(refused(workshop, Retry("--profile mine"))) == "Could not find profile named 'mine'"


def test_a_recorded_value_that_its_option_does_not_take(workshop: Workshop) -> None:
    workshop.restore(workshop.prepare(PROJECT))
    edited(args__indirect_selection="sideways")(workshop.stage / TARGET / "run_results.json")

    said = sentence(refused(workshop, Retry()))

    assert said.startswith("`dbt run` cannot be set up as it was: ")
    assert "'sideways' is not one of" in said
    assert said.endswith("Give that option anew, or mend the environment variable that it comes from.")


def test_the_programmatic_api_returns_the_refusal(workshop: Workshop) -> None:
    workshop.restore(workshop.prepare(PROJECT))
    (workshop.stage / TARGET / "run_results.json").write_text("{}")

    damaged, twice = (
        workshop.dbt(PROJECT)
        .call(RunnerCall(["retry-plus"]), RunnerCall(["--quiet", "retry-plus", "--quiet"]))
        .outcomes
    )

    assert (damaged.success, twice.success) == (False, False)
    assert damaged.exception_type == "DbtRuntimeError"
    assert RUN_AGAIN in str(damaged.exception_text)
    assert twice.exception_type == "DbtUsageException"
    assert str(twice.exception_text).startswith("--quiet is given both before and after the command.")
