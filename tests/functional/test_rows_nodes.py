"""Rows 4, 7, 9, 14, 15, 16 and 26 of "How it differs from dbt retry": which nodes run, and in what setting."""

from __future__ import annotations

import json

import pytest

from tests.support.differential import Retry
from tests.support.inline_projects import InlineProject, Workshop
from tests.support.invocations import dbt_version

pytestmark = pytest.mark.every_minor

FAILS_AT_FIRST = "{{ config(materialized='table') }} select id from raw.orders"
PUT_RIGHT = ("create schema raw", "create table raw.orders as select 1 as id")


def test_row_4_nothing_to_do_writes_nothing_again_and_again(workshop: Workshop) -> None:
    project = InlineProject(files={"models/a.sql": "select 1 as id"}, first=("build",))
    prepared = workshop.prepare(project)
    workshop.restore(prepared)
    assert workshop.run(project, Retry(), "retry").run_results["results"] == []  # type: ignore[index]
    assert workshop.run(project, Retry(), "retry-plus").run_results["results"] == []  # type: ignore[index]

    workshop.restore(prepared)
    target = workshop.stage / "project" / "target"
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in target.rglob("*") if path.is_file()}
    for _ in range(3):
        ours = workshop.run(project, Retry(), "retry-plus")
        assert ours.invocation.exit_code == 0
        assert "Nothing to retry: all 1 nodes of `dbt build`" in ours.invocation.stdout
    after = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in target.rglob("*") if path.is_file()}
    assert after == before


UNIT_TESTED = InlineProject(
    files={
        "models/a.sql": "select 1 as id",
        "models/b.sql": "{{ config(materialized='table') }} select id + 1 as id from {{ ref('a') }}",
        "models/c.sql": "select * from {{ ref('b') }}",
        "models/unit.yml": json.dumps(
            {
                "unit_tests": [
                    {
                        "name": "adds_two",
                        "model": "b",
                        "given": [{"input": "ref('a')", "rows": [{"id": 1}]}],
                        "expect": {"rows": [{"id": 3}]},
                    }
                ]
            }
        ),
    },
    first=("build",),
)


def test_row_7_a_failing_unit_test_still_keeps_its_model_back(workshop: Workshop) -> None:
    comparison = workshop.compare(UNIT_TESTED, Retry())
    assert comparison.upstream.statuses["b"] == "success"  # published although its unit test fails
    assert comparison.ours.statuses == {"adds_two": "fail", "b": "skipped", "c": "skipped"}
    assert comparison.ours.order_violations == frozenset()
    assert "main.b" not in comparison.ours.relations


def test_row_7_a_repaired_unit_test_runs_before_its_model(workshop: Workshop) -> None:
    repaired = {"models/b.sql": "{{ config(materialized='table') }} select id + 2 as id from {{ ref('a') }}"}
    comparison = workshop.compare(UNIT_TESTED, Retry(files=repaired))
    assert comparison.ours.statuses == {"adds_two": "pass", "b": "success", "c": "success"}
    assert comparison.ours.order_violations == frozenset()


@pytest.mark.skipif(dbt_version() < (1, 10), reason="dbt-core records the outcome of hooks since 1.10")
def test_row_9_failed_hooks_run_again(workshop: Workshop) -> None:
    project = InlineProject(
        files={"models/a.sql": "select 1 as id"},
        settings={"on-run-end": ["create table after_run as select * from raw.orders"]},
        first=("run",),
    )
    prepared = workshop.prepare(project)
    assert prepared.first[0].exit_code == 1
    comparison = workshop.compare(project, Retry(sql=PUT_RIGHT))
    assert comparison.upstream.invocation.exit_code == 0
    assert "main.after_run" not in comparison.upstream.relations  # nothing ran, and it is called a success
    assert comparison.ours.invocation.exit_code == 0
    assert comparison.ours.relations["main.after_run"].row_count == 1
    assert "model.shop.a" not in comparison.ours.invocation.started

    workshop.restore(prepared)
    still_broken = workshop.run(project, Retry(), "retry-plus")
    assert still_broken.invocation.exit_code == 1


def deferred(first: str, model: str) -> InlineProject:
    return InlineProject(
        files={
            "models/parent.sql": "{{ config(materialized='table') }} select 1 as id",
            "models/late.sql": model,
        },
        settings={"models": {"shop": {"+schema": "{{ 'prod' if var('place', 'dev') == 'prod' else 'dev' }}"}}},
        first=("run --select parent --vars 'place: prod' --target-path prod", first),
    )


def test_row_14_defer_state_is_restored(workshop: Workshop) -> None:
    project = deferred(
        "run --select late --defer --defer-state prod",
        "{{ config(materialized='table') }} select p.id from {{ ref('parent') }} p, raw.orders",
    )
    comparison = workshop.compare(project, Retry(sql=PUT_RIGHT))
    assert comparison.upstream.invocation.exit_code == 2
    assert comparison.ours.statuses == {"late": "success"}


def test_row_15_favor_state_spares_what_the_original_command_selected(workshop: Workshop) -> None:
    """Tests of a model that the command has just built must read that model, not production's."""
    project = InlineProject(
        files={
            "models/parent.sql": "{{ config(materialized='table') }} select {{ var('id') }} as id",
            "tests/one.sql": "select * from {{ ref('parent') }} where id <> 1",
        },
        settings={"models": {"shop": {"+schema": "{{ 'prod' if var('place', 'dev') == 'prod' else 'dev' }}"}}},
        first=(
            "run --vars '{place: prod, id: 1}' --target-path prod",
            "build --vars 'id: 2' --defer --favor-state --state prod",
        ),
    )
    prepared = workshop.prepare(project)
    assert prepared.first[1].exit_code == 1
    comparison = workshop.compare(project, Retry())
    assert comparison.upstream.statuses == {"one": "pass"}  # read production: a false green
    assert comparison.ours.statuses == {"one": "fail"}


def test_row_16_selected_resources_are_those_of_the_original_command(workshop: Workshop) -> None:
    project = InlineProject(
        files={
            "models/a.sql": "select 1 as id",
            "models/late.sql": "{{ config(materialized='table') }} select '{{ selected_resources | sort | join(',') }}' as s, o.* "
            "from raw.orders o",
        },
        first=("run",),
    )
    comparison = workshop.compare(project, Retry(sql=PUT_RIGHT))
    assert "model.shop.a" not in comparison.upstream.relations["main.late"].rows
    assert "model.shop.a,model.shop.late" in comparison.ours.relations["main.late"].rows


def test_row_26_a_removed_node_does_not_stop_the_rest(workshop: Workshop) -> None:
    project = InlineProject(
        files={
            "models/late.sql": FAILS_AT_FIRST,
            "models/gone.sql": "{{ config(materialized='table', enabled=env_var('GONE', 'no') == 'no') }} select * from raw.nowhere",
        },
        first=("run",),
    )
    comparison = workshop.compare(project, Retry(sql=PUT_RIGHT, environment={"GONE": "yes"}))
    assert comparison.upstream.invocation.exit_code == 2
    assert comparison.upstream.statuses == {}
    assert comparison.ours.invocation.exit_code == 0
    assert comparison.ours.statuses == {"late": "success"}
    assert "model.shop.gone (error) is not in the project any more" in comparison.ours.invocation.output
