"""Nodes whose own text is what it was, and which are built from something else all the same."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tests.support.differential import Retry
from tests.support.inline_projects import BASE_SETTINGS, InlineProject, Workshop

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


VARIED = InlineProject(
    files={
        "models/by_var.sql": f"{TABLE} select {{{{ var('size', 1) }}}} as id",
        "models/by_macro.sql": f"{TABLE} select {{{{ outer_macro() }}}} as id",
        "models/by_environment.sql": f"{TABLE} select {{{{ env_var('SHOP_SIZE', '1') }}}} as id",
        "models/by_hook.sql": "{{ config(materialized='table', post_hook=\"insert into {{ this }} select {{ var('size', 1) }}\") }} select 0 as id",
        "models/plain.sql": f"{TABLE} select 1 as id",
        "models/late.sql": f"""{TABLE}
            select 1 as id from {{{{ ref('by_var') }}}}, {{{{ ref('by_macro') }}}}, {{{{ ref('by_environment') }}}},
            {{{{ ref('by_hook') }}}}, {{{{ ref('plain') }}}}, raw.late
        """,
        "models/aside.sql": "select {{ var('size', 1) }} as id",
        "macros/sized.sql": """
            {% macro outer_macro() %}{{ inner_macro() }}{% endmacro %}
            {% macro inner_macro() %}{{ var("size", 1) }}{% endmacro %}
        """,
    },
    raw=("create schema raw",),
    first=("build --vars '{size: 1, other: 1}'",),
    settings={"vars": {"shop": {"size": 1}}},
)
BY_VAR = {"model.shop.by_var", "model.shop.by_macro", "model.shop.by_hook", "model.shop.late"}


@pytest.mark.parametrize(
    ("arguments", "environment", "files", "runs"),
    [
        ("--vars 'size: 2'", {}, {}, BY_VAR),
        ("--vars 'other: 2'", {}, {}, {"model.shop.late"}),
        ("", {"SHOP_SIZE": "2"}, {}, {"model.shop.by_environment", "model.shop.late"}),
        ("--changed all --vars 'size: 2'", {}, {}, BY_VAR | {"model.shop.aside"}),
        ("--changed none --vars 'size: 2'", {}, {}, {"model.shop.late"}),
    ],
)
def test_what_uses_a_variable_of_another_value_is_rebuilt(
    workshop: Workshop, arguments: str, environment: Mapping[str, str], files: Mapping[str, str], runs: set[str]
) -> None:
    workshop.restore(workshop.prepare(VARIED))

    ours = workshop.run(VARIED, Retry(arguments, sql=LATE, environment=environment, files=files), "retry-plus")

    assert ours.invocation.exit_code == 0, ours.invocation.output
    assert ours.invocation.started == runs


@pytest.mark.every_minor
def test_what_uses_a_var_that_the_project_sets_otherwise_now_is_rebuilt(workshop: Workshop) -> None:
    project = VARIED.after("build")
    workshop.restore(workshop.prepare(project))
    settings = json.dumps({**BASE_SETTINGS, "vars": {"shop": {"size": 3}}})

    ours = workshop.run(project, Retry(sql=LATE, files={"dbt_project.yml": settings}), "retry-plus")

    assert ours.invocation.started == BY_VAR
    assert ours.relations["main.by_macro"].rows != "(1,)"
    assert "Changed since they succeeded, and left as they are: model.shop.aside." in ours.invocation.stdout
