"""Which invocation a try of a task resumes: that of the same task, in the same DAG run, and of the same command."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.airflow.command import read_command
from dbt_retry_plus.airflow.task import FROM, Found, Resume, TaskKey, Try, decide, looks_back, wish_of

BUILD = read_command("build")
KEY = TaskKey("sales", "load.build", "scheduled__2026-01-02T00:00:00+00:00")
FAILED = Found("4f3a91c0", "error")
names = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1)


@given(names, names, names, st.integers(-1, 9), names, names, names, st.integers(-1, 9))
def test_no_two_tasks_share_a_tag(
    dag: str, task: str, run: str, index: int, dag2: str, task2: str, run2: str, index2: int
) -> None:
    first, second = TaskKey(dag, task, run, index), TaskKey(dag2, task2, run2, index2)
    assert (first.tag(BUILD) == second.tag(BUILD)) == (first == second)
    assert first.tag(BUILD).isprintable()


def test_a_tag_names_the_task_to_people_too() -> None:
    assert KEY.tag(BUILD).startswith("airflow/sales/load.build/-1/scheduled__2026-01-02T00:00:00+00:00/")
    assert replace(KEY, map_index=3).tag(BUILD) != KEY.tag(BUILD)


def test_another_command_is_another_task_and_another_path_is_not() -> None:
    tags = {KEY.tag(read_command(command)) for command in ("build", "build --select a", "run", "build --target b")}
    assert len(tags) == 4
    there = ("dbt build --profiles-dir /here", ["build", "--profiles-dir=/there"], "build --log-path x --target-path y")
    assert {KEY.tag(read_command(command)) for command in there} == {KEY.tag(BUILD)}


@pytest.mark.parametrize(
    ("number", "most", "cleared"),
    [
        (1, 2, False),  # the first try
        (2, 2, False),  # Airflow's own retries
        (3, 2, False),
        (2, 3, True),  # cleared after the first try: max_tries is then 1 + 2
        (3, 3, False),
        (4, 5, True),  # cleared after the third try
        (5, 5, False),
        (6, 5, False),
    ],
)
def test_the_first_try_after_clearing_is_told_from_airflows_own(number: int, most: int, cleared: bool) -> None:
    assert Try(number, most, retries=2).is_cleared == cleared


@pytest.mark.parametrize(
    ("wish", "this", "found", "resumes"),
    [
        (Resume.ALWAYS, Try(1, 2, 2), FAILED, None),  # a DAG run of that name was deleted
        (Resume.ALWAYS, Try(2, 2, 2), FAILED, "4f3a91c0"),
        (Resume.ALWAYS, Try(2, 2, 2), Found("a", "interrupted"), "a"),
        (Resume.ALWAYS, Try(2, 2, 2), Found("a", "success"), "a"),  # the worker died before it could say so
        (Resume.ALWAYS, Try(2, 2, 2), None, None),
        (Resume.ALWAYS, Try(2, 3, 2), FAILED, "4f3a91c0"),  # cleared
        (Resume.ALWAYS, Try(2, 3, 2), Found("a", "success"), None),
        (Resume.RETRIES, Try(2, 2, 2), FAILED, "4f3a91c0"),
        (Resume.RETRIES, Try(2, 3, 2), FAILED, None),
        (Resume.RETRIES, Try(3, 3, 2), FAILED, "4f3a91c0"),
        (Resume.NEVER, Try(2, 2, 2), FAILED, None),
    ],
)
def test_what_a_try_runs(wish: Resume, this: Try, found: Found | None, resumes: str | None) -> None:
    decision = decide(wish, this, found)
    assert decision.resumes == resumes
    assert (resumes or "start") in decision.why
    if resumes:
        assert looks_back(wish, this)


def test_what_is_asked_for_about_resuming() -> None:
    assert [wish_of(text, {}) for text in (True, "True", "always")] == [Resume.ALWAYS] * 3
    assert [wish_of(text, {}) for text in (False, "false", "never")] == [Resume.NEVER] * 3
    assert wish_of("retries", {}) is Resume.RETRIES
    assert wish_of(True, {FROM: "start"}) is Resume.RETRIES
    assert wish_of(False, {FROM: "start"}) is Resume.NEVER
    assert wish_of(True, {FROM: "failure"}) is Resume.ALWAYS
    with pytest.raises(ValueError, match="resume is 'sometimes'"):
        wish_of("sometimes", {})
    with pytest.raises(ValueError, match="dbt_retry_plus_from is 'the top'"):
        wish_of(True, {FROM: "the top"})
