from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.jobs.definition import Job, Step
from dbt_retry_plus.settings import read_settings

NIGHTLY = """
jobs:
  nightly:
    steps:
      - dbt seed
      - "dbt run --select staging"
      - {name: marts, command: "dbt build --select marts+", attempts: 3, timeout: 30m}
    env: {DBT_THREADS: "4"}
"""


def jobs(folder: Path, content: str) -> dict[str, Job]:
    (folder / "dbt_retry_plus.yml").write_text(content)
    return dict(read_settings(folder, {}).jobs)


def refusal_of(folder: Path, content: str) -> str:
    with pytest.raises(RetryRefusedError) as refused:
        jobs(folder, content)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def steps(folder: Path, *commands: str) -> tuple[Step, ...]:
    listed = "".join(f"      - {command}\n" for command in commands)
    return jobs(folder, f"jobs:\n  n:\n    steps:\n{listed}")["n"].steps


def test_a_job_as_it_is_documented(tmp_path: Path) -> None:
    assert jobs(tmp_path, NIGHTLY)["nightly"] == Job(
        name="nightly",
        steps=(
            Step("dbt seed", "dbt seed"),
            Step("dbt run --select staging", "dbt run --select staging"),
            Step("marts", "dbt build --select marts+", attempts=3, timeout=1800.0),
        ),
        environment={"DBT_THREADS": "4"},
    )


def test_a_project_without_jobs_has_none(tmp_path: Path) -> None:
    assert jobs(tmp_path, "record: true\n") == {}


def test_what_a_variable_holds_is_not_shown(tmp_path: Path) -> None:
    assert "DBT_THREADS" not in repr(jobs(tmp_path, NIGHTLY)["nightly"])


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (
            "jobs: 3",
            1,
            "gives the setting 'jobs' the value 3, which is not a mapping by the name of each job. Mend it.",
        ),
        ("jobs:\n  a b: {}", 2, "has a job named 'a b'. Make its name of letters, digits, '_', '-' and '.'."),
        ("jobs:\n  n: {}", 2, "does not give the job 'n' its steps. Known are: env, steps."),
        ("jobs:\n  n:\n    stepz: []", 3, "gives the job 'n' the unknown setting 'stepz'. Did you mean 'steps'?"),
        ("jobs:\n  n:\n    steps: []", 3, "gives the job 'n' no list of steps. Name its dbt commands there."),
        ("jobs:\n  n:\n    steps: dbt run", 3, "gives the job 'n' no list of steps. Name its dbt commands there."),
        (
            "jobs:\n  n:\n    steps:\n    - dbt run\n    - {comand: dbt run}",
            5,
            "gives a step of the job 'n' the unknown setting 'comand'. Did you mean 'command'?",
        ),
        (
            "jobs:\n  n:\n    steps:\n    - command: dbt run\n      attempts: 0",
            5,
            "gives the setting 'attempts' the value 0, which is not a whole number above 0. Mend it.",
        ),
        (
            "jobs:\n  n:\n    steps:\n    - {command: dbt run, timeout: soon}",
            4,
            "gives the setting 'timeout' the value 'soon', which is not a time such as 90s, 30m, 12h or 2d. Mend it.",
        ),
        (
            "jobs:\n  n:\n    steps:\n    - {command: dbt run, timeout: 0}",
            4,
            "gives a step no time at all. Leave its timeout out.",
        ),
        (
            "jobs:\n  n:\n    steps:\n    - dbt run\n    - dbt run",
            5,
            "has a second step named 'dbt run' in the job 'n'. Give one of them a name.",
        ),
        (
            "jobs:\n  n:\n    steps: [dbt run]\n    env: {A: 1}",
            4,
            "gives the environment variable 'A' a value that is no text. Put it in quotes.",
        ),
        (
            "jobs:\n  n:\n    steps: [dbt run]\n    env: {A-B: x}",
            4,
            "has an environment variable named 'A-B'. Make its name of letters, digits and '_'.",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, content: str, line: int, said: str) -> None:
    assert refusal_of(tmp_path, content) == f"'{tmp_path}/dbt_retry_plus.yml', line {line}, {said}"


@pytest.mark.parametrize("command", ["dbt", "rm -rf /", "''", "dbt-retry-plus", "DBT run", "sudo dbt run"])
def test_a_step_is_a_dbt_command(tmp_path: Path, command: str) -> None:
    assert "which is no dbt command. Begin it with `dbt`, and name one." in refusal_of(
        tmp_path, f'jobs: {{n: {{steps: ["{command}"]}}}}'
    )


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("dbt build; touch pwned", ";"),
        ("dbt build && dbt test", "&&"),
        ("dbt build | tee log", "|"),
        ("dbt build > log", ">"),
        ("dbt run -s `whoami`", "`"),
        ("dbt run -s $(whoami)", "$("),
        ("dbt run -t $TARGET", "$"),
        ("dbt run 'a' & 'b'", "&"),
    ],
)
def test_what_only_a_shell_understands_is_refused(tmp_path: Path, command: str, found: str) -> None:
    assert f"has {found!r} outside of quotes in the step" in refusal_of(
        tmp_path, f'jobs: {{n: {{steps: ["{command}"]}}}}'
    )


@given(st.text(st.characters(codec="ascii", exclude_characters="'", exclude_categories=["Cc"]), min_size=1))
def test_what_is_in_quotes_reaches_dbt_as_it_is(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("quoted")
    quoted = "dbt run --select '" + text + "'"
    (step,) = steps(folder, "'" + quoted.replace("'", "''") + "'")
    assert step.arguments == ("run", "--select", text)


def test_an_unfinished_quote_is_refused(tmp_path: Path) -> None:
    assert "which is no command: No closing quotation." in refusal_of(tmp_path, 'jobs: {n: {steps: ["dbt run \'"]}}')


def test_selectors_and_vars_need_no_more_quotes_than_in_a_shell(tmp_path: Path) -> None:
    (step,) = steps(tmp_path, "\"dbt build -s +a+ @b,tag:* 2+c --vars '{a: [1, x]}' --no-fail-fast\"")
    assert step.arguments == ("build", "-s", "+a+", "@b,tag:*", "2+c", "--vars", "{a: [1, x]}", "--no-fail-fast")


def test_the_options_that_say_where_dbt_works_are_known_in_both_forms(tmp_path: Path) -> None:
    (step,) = steps(tmp_path, "dbt --log-path=logs run --project-dir sub -s --target-path")
    assert step.path_options == {"--log-path": "logs", "--project-dir": "sub", "--target-path": ""}
