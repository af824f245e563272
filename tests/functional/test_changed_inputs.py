"""Nodes whose own text is what it was, and which are built from something else all the same."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.support.differential import Retry
from tests.support.inline_projects import InlineProject, Workshop

TABLE = "{{ config(materialized='table') }}"
EPHEMERAL = "{{ config(materialized='ephemeral') }}"
SOURCES = "{{sources: [{{name: raw, tables: [{{name: numbers, identifier: {}}}]}}]}}"

PROJECT = InlineProject(
    files={
        "models/inner.sql": f"{EPHEMERAL} select id from {{{{ source('raw', 'numbers') }}}}",
        "models/outer.sql": f"{EPHEMERAL} select id from {{{{ ref('inner') }}}}",
        "models/above.sql": f"{TABLE} select id from {{{{ ref('outer') }}}}",
        "models/beside.sql": f"{TABLE} select id from {{{{ ref('outer') }}}}",
        "models/plain.sql": f"{TABLE} select 1 as id",
        "models/below.sql": f"{TABLE} select above.id from {{{{ ref('above') }}}} above, raw.late",
        "models/raw.yml": SOURCES.format("numbers"),
    },
    raw=(
        "create schema raw",
        "create table raw.numbers as select 1 as id",
        "create table raw.others as select 2 as id",
    ),
    first=("build",),
)
LATE = ("create table raw.late as select 1 as n",)
INNER = {"models/inner.sql": f"{EPHEMERAL} select id + 1 as id from {{{{ source('raw', 'numbers') }}}}"}
ELSEWHERE = {"models/raw.yml": SOURCES.format("others")}


@pytest.mark.parametrize("files", [INNER, ELSEWHERE], ids=["ephemeral", "source"])
def test_what_an_ephemeral_model_or_a_source_changed_above_the_retry_set_is_rebuilt(
    workshop: Workshop, files: Mapping[str, str]
) -> None:
    workshop.restore(workshop.prepare(PROJECT))

    ours = workshop.run(PROJECT, Retry(sql=LATE, files=files), "retry-plus")

    assert ours.statuses["above"] == ours.statuses["below"] == "success"
    assert ours.relations["main.below"].rows == "(2,)"
    assert "plain" not in ours.statuses


@pytest.mark.parametrize("files", [INNER, ELSEWHERE], ids=["ephemeral", "source"])
def test_all_that_an_ephemeral_model_or_a_source_changed_is_rebuilt_if_asked(
    workshop: Workshop, files: Mapping[str, str]
) -> None:
    workshop.restore(workshop.prepare(PROJECT))

    ours = workshop.run(PROJECT, Retry("--changed all", sql=LATE, files=files), "retry-plus")

    assert set(ours.statuses) - {"inner", "outer"} == {"above", "beside", "below"}  # an ephemeral model builds nothing
    assert ours.relations["main.beside"].rows == "(2,)"


def test_an_ephemeral_model_outside_of_the_selection_counts_too(workshop: Workshop) -> None:
    project = PROJECT.after("run --select above plain below")
    workshop.restore(workshop.prepare(project))

    ours = workshop.run(project, Retry(sql=LATE, files=INNER), "retry-plus")

    assert ours.statuses == {"above": "success", "below": "success"}
    assert ours.relations["main.below"].rows == "(2,)"


def test_a_test_that_was_changed_runs_again_if_asked(workshop: Workshop) -> None:
    project = InlineProject(
        files={
            "models/a.sql": f"{TABLE} select 1 as id",
            "tests/right.sql": "select * from {{ ref('a') }} where id > 5",
            "tests/wrong.sql": "select * from {{ ref('a') }}",
        },
        first=("run", "test"),
    )
    workshop.restore(workshop.prepare(project))
    files = {
        "tests/right.sql": "select * from {{ ref('a') }} where id < 5",
        "tests/wrong.sql": "select * from {{ ref('a') }} where id > 5",
    }

    ours = workshop.run(project, Retry("--changed all", files=files), "retry-plus")

    assert ours.statuses == {"right": "fail", "wrong": "pass"}
    assert ours.invocation.exit_code == 1
