"""Rows 6, 8, 29 and 31 of the table: what has to run again, or may be left out, besides what failed."""

from __future__ import annotations

import json

import pytest

from tests.support.differential import Retry
from tests.support.inline_projects import InlineProject, Workshop
from tests.support.invocations import dbt_version

TESTED = InlineProject(
    files={
        "models/first.sql": "{{ config(materialized='table') }} select 1 as id",
        "models/tested.sql": "{{ config(materialized='table') }} select id - 1 as id from {{ ref('first') }}",
        "models/below.sql": "{{ config(materialized='table') }} select id from {{ ref('tested') }}",
        "models/beside.sql": "{{ config(materialized='table') }} select id from {{ ref('first') }}",
        "tests/ids_are_positive.sql": "select id from {{ ref('tested') }} where id < 1",
    },
    first=("run", "test"),
)
REPAIRED = {"models/tested.sql": "{{ config(materialized='table') }} select id from {{ ref('first') }}"}


def test_row_6_a_repaired_model_is_rebuilt_for_its_failed_test(workshop: Workshop) -> None:
    project = TESTED.after("build")
    comparison = workshop.compare(project, Retry(files=REPAIRED))

    assert comparison.upstream.statuses == {"ids_are_positive": "fail", "below": "skipped"}
    assert comparison.ours.statuses == {"tested": "success", "ids_are_positive": "pass", "below": "success"}
    assert comparison.ours.order_violations == frozenset()
    assert comparison.ours.relations["main.below"].rows == "(1,)"


@pytest.mark.parametrize(
    ("arguments", "executed"),
    [
        ("--changed none", {"ids_are_positive", "below"}),
        ("--rebuild-tested never", {"ids_are_positive", "below", "tested"}),
        ("--changed all", {"tested", "ids_are_positive", "below", "beside"}),
    ],
)
def test_row_6_what_is_rebuilt_can_be_chosen(workshop: Workshop, arguments: str, executed: set[str]) -> None:
    project = TESTED.after("build")
    beside = {"models/beside.sql": "{{ config(materialized='table') }} select id + 1 as id from {{ ref('first') }}"}
    workshop.restore(workshop.prepare(project))

    ours = workshop.run(project, Retry(arguments, files={**REPAIRED, **beside}), "retry-plus")

    assert set(ours.statuses) == executed


def test_row_6_a_tested_model_that_did_not_change_can_be_rebuilt(workshop: Workshop) -> None:
    """Its data came late."""
    project = InlineProject(
        files={
            "models/tested.sql": "{{ config(materialized='table') }} select id from raw.numbers",
            "tests/there_are_three.sql": "select 1 from {{ ref('tested') }} having count(*) <> 3",
        },
        raw=("create schema raw", "create table raw.numbers as select 1 as id"),
        first=("build",),
    )
    late = ["insert into raw.numbers values (2), (3)"]

    usual = workshop.compare(project, Retry(sql=late))
    assert usual.ours.statuses == usual.upstream.statuses == {"there_are_three": "fail"}

    workshop.restore(workshop.prepare(project))
    ours = workshop.run(project, Retry("--rebuild-tested always", sql=late), "retry-plus")
    assert ours.statuses == {"tested": "success", "there_are_three": "pass"}


def test_other_changed_nodes_are_reported_and_left(workshop: Workshop) -> None:
    project = TESTED.after("build")
    beside = {"models/beside.sql": "{{ config(materialized='table') }} select id + 1 as id from {{ ref('first') }}"}
    workshop.restore(workshop.prepare(project))

    ours = workshop.run(project, Retry(files={**REPAIRED, **beside}), "retry-plus")

    assert "beside" not in ours.statuses
    assert "Changed since they succeeded, and left as they are: model.shop.beside." in ours.invocation.stdout


@pytest.mark.skipif(dbt_version() < (1, 12), reason="on_error came with dbt-core 1.12")
def test_row_8_what_was_built_on_stale_data_is_rebuilt(workshop: Workshop) -> None:
    project = InlineProject(
        files={
            "models/parent.sql": "{{ config(materialized='table', on_error='continue') }} select id from raw.numbers",
            "models/child.sql": "{{ config(materialized='table') }} select max(id) as id from {{ ref('parent') }}",
        },
        raw=("create schema raw", "create schema if not exists main", "create table main.parent as select 1 as id"),
        first=("build",),
    )
    comparison = workshop.compare(project, Retry(sql=["create table raw.numbers as select 2 as id"]))

    assert set(comparison.upstream.statuses) == {"parent"}
    assert comparison.upstream.relations["main.child"].rows == "(1,)"
    assert comparison.ours.statuses == {"parent": "success", "child": "success"}
    assert comparison.ours.relations["main.child"].rows == "(2,)"


FAILED_TWICE = InlineProject(
    files={
        "models/a.sql": "{{ config(materialized='table') }} select * from raw.late",
        "models/below_a.sql": "select * from {{ ref('a') }}",
        "models/b.sql": "{{ config(materialized='table') }} select * from raw.late",
        "selectors.yml": json.dumps({"selectors": [{"name": "only_b", "definition": "b"}]}),
    },
    first=("build",),
)
LATE = ["create schema raw", "create table raw.late as select 1 as id"]


@pytest.mark.parametrize(
    ("arguments", "executed"),
    [
        ("--select a+", {"a", "below_a"}),
        ("--exclude a+", {"b"}),
        ("--selector only_b", {"b"}),
        ("--select a b --resource-type model", {"a", "b"}),
    ],
)
def test_row_29_the_retry_set_can_be_narrowed(workshop: Workshop, arguments: str, executed: set[str]) -> None:
    workshop.restore(workshop.prepare(FAILED_TWICE))
    upstream = workshop.run(FAILED_TWICE, Retry(arguments, sql=LATE), "retry")
    assert "No such option" in upstream.invocation.output

    workshop.restore(workshop.prepare(FAILED_TWICE))
    ours = workshop.run(FAILED_TWICE, Retry(arguments, sql=LATE), "retry-plus")
    assert set(ours.statuses) == executed
    assert ours.invocation.exit_code == 1, "what is left out is not proven"
    assert "Left out of the retry set, and not proven" in ours.invocation.stdout

    rest = workshop.run(FAILED_TWICE, Retry(), "retry-plus")
    assert set(rest.statuses) == {"a", "b", "below_a"} - executed
    assert rest.invocation.exit_code == 0


def test_row_31_a_parent_that_was_never_built_is_brought_in(workshop: Workshop) -> None:
    project = InlineProject(
        files={
            "models/broken.sql": "select nothing_of_that_name from (select 1 as id) as t",
            "models/unbuilt.sql": "{{ config(materialized='table') }} select id from {{ ref('above_it') }}",
            "models/above_it.sql": "{{ config(materialized='table') }} select 7 as id",
        },
        first=("build --select broken",),
    )
    comparison = workshop.compare(project, Retry(files={"models/broken.sql": "select id from {{ ref('unbuilt') }}"}))

    assert comparison.upstream.statuses == {"broken": "error"}
    assert comparison.ours.statuses == {"above_it": "success", "unbuilt": "success", "broken": "success"}


def test_row_26_a_node_that_was_renamed_runs_under_its_new_name(workshop: Workshop) -> None:
    project = InlineProject(
        files={
            "models/misnamed.sql": "{{ config(materialized='table') }} select * from raw.late",
            "models/sound.sql": "select 1 as id",
        },
        first=("build",),
    )
    workshop.restore(workshop.prepare(project))
    misnamed = workshop.stage / "project/models/misnamed.sql"
    misnamed.rename(misnamed.with_name("well_named.sql"))

    ours = workshop.run(project, Retry(sql=LATE), "retry-plus")

    assert ours.statuses == {"well_named": "success"}
    assert ours.invocation.exit_code == 0


def test_row_26_a_node_that_failed_again_and_was_renamed_then(workshop: Workshop) -> None:
    """Nothing that the last retry ran is there any more, which dbt's state:modified cannot bear."""
    project = InlineProject(
        files={
            "models/misnamed.sql": "{{ config(materialized='table') }} select * from raw.late",
            "models/sound.sql": "select 1 as id",
        },
        first=("build", "retry-plus"),
    )
    workshop.restore(workshop.prepare(project))
    misnamed = workshop.stage / "project/models/misnamed.sql"
    misnamed.rename(misnamed.with_name("well_named.sql"))

    ours = workshop.run(project, Retry(sql=LATE), "retry-plus")

    assert ours.statuses == {"well_named": "success"}
    assert ours.invocation.exit_code == 0


def test_row_31_a_new_parent_of_a_node_that_only_changed_is_brought_in_too(workshop: Workshop) -> None:
    project = InlineProject(
        files={
            "models/aside.sql": "select 1 as id",
            "models/late.sql": "select * from raw.late",
        },
        first=("build",),
    )
    workshop.restore(workshop.prepare(project))
    repaired = Retry(
        "--changed all",
        sql=("create schema raw", "create table raw.late as select 1 as id"),
        files={"models/aside.sql": "select id from {{ ref('new') }}", "models/new.sql": "select 2 as id"},
    )

    ours = workshop.run(project, repaired, "retry-plus")

    assert ours.invocation.exit_code == 0, ours.invocation.output
    assert ours.invocation.started == {"model.shop.aside", "model.shop.new", "model.shop.late"}
