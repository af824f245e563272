"""Kinds of nodes that dbt treats in ways of their own: incrementals, ephemerals, packages, unit tests, microbatches."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.functional.shop import SHOP, after_orders_arrived
from tests.support.differential import Retry
from tests.support.inline_projects import InlineProject, Workshop
from tests.support.invocations import dbt_version

EVENTS = """
    {{ config(materialized='incremental', unique_key='id') }}
    select id, '{{ "later" if is_incremental() else "first" }}' as load from raw.{{ var('table', 'events') }}
"""
INCREMENTAL = InlineProject(
    files={"models/events.sql": EVENTS, "models/counted.sql": "select count(*) as n from {{ ref('events') }}"},
    raw=("create schema raw", "create table raw.events as select 1 as id", "create table raw.more as select 2 as id"),
)


def test_an_incremental_that_existed_before_stays_incremental(workshop: Workshop) -> None:
    project = INCREMENTAL.after("run", "run --vars 'table: nowhere'")

    comparison = workshop.compare(project, Retry("--vars 'table: more'"))

    comparison.assert_parity(executes={"events": "success", "counted": "success"})
    assert comparison.ours.relations["main.events"].rows == "(1, 'first'); (2, 'later')"


def test_a_full_refresh_is_one_in_the_retry_too(workshop: Workshop) -> None:
    project = INCREMENTAL.after("run", "run --full-refresh --vars 'table: nowhere'")

    comparison = workshop.compare(project, Retry("--vars 'table: more'"))

    comparison.assert_parity(executes={"events": "success", "counted": "success"})
    assert comparison.ours.relations["main.events"].rows == "(2, 'first')"


EPHEMERAL = InlineProject(
    files={
        "models/source_rows.sql": "{{ config(materialized='ephemeral') }} select * from raw.late",
        "models/doubled.sql": "{{ config(materialized='ephemeral') }} select id * 2 as id from {{ ref('source_rows') }}",
        "models/published.sql": "{{ config(materialized='table') }} select * from {{ ref('doubled') }}",
    },
    first=("run",),
)
LATE_ARRIVES = ("create schema raw", "create table raw.late as select 21 as id")


def test_ephemeral_parents_are_compiled_into_the_retried_model(workshop: Workshop) -> None:
    comparison = workshop.compare(EPHEMERAL, Retry(sql=LATE_ARRIVES))

    comparison.assert_parity(executes={"published": "success"})
    assert comparison.ours.relations["main.published"].rows == "(42,)"


PACKAGED = InlineProject(
    files={
        "packages.yml": "packages: [{local: ../project/local/helpers}]",
        "local/helpers/dbt_project.yml": "{name: helpers, version: '1.0', config-version: 2}",
        "local/helpers/macros/raw.sql": "{% macro late_table() %}raw.late{% endmacro %}",
        "local/helpers/models/from_package.sql": "{{ config(materialized='table') }} select * from {{ late_table() }}",
        "models/uses_package.sql": "select * from {{ ref('helpers', 'from_package') }}",
    },
    first=("deps", "build"),
)


def test_nodes_of_packages(workshop: Workshop) -> None:
    comparison = workshop.compare(PACKAGED, Retry(sql=LATE_ARRIVES))

    comparison.assert_parity(executes={"from_package": "success", "uses_package": "success"})


UNIT_TESTED = {
    "models/numbers.sql": "{{ config(materialized='table') }} select 1 as n",
    "models/doubled.sql": "{{ config(materialized='table') }} select n * 2 as n from {{ ref('numbers') }}",
    "models/below.sql": "select * from {{ ref('doubled') }}",
    "models/unit.yml": """
        unit_tests:
          - name: doubles
            model: doubled
            given: [{input: ref('numbers'), rows: [{n: 4}]}]
            expect: {rows: [{n: 8}]}
    """,
}
WRONG = UNIT_TESTED | {
    "models/doubled.sql": "{{ config(materialized='table') }} select n * 3 as n from {{ ref('numbers') }}"
}
UNIT = InlineProject(WRONG, first=("build",))


def test_a_unit_test_alone(workshop: Workshop) -> None:
    """`dbt test` does not order a unit test before its model, which is not in it."""
    project = UNIT.after("run", "test")

    comparison = workshop.compare(project, Retry(files=UNIT_TESTED))

    comparison.assert_parity(executes={"doubles": "pass"})


def test_a_failed_unit_test_of_a_build_comes_before_its_model(workshop: Workshop) -> None:
    comparison = workshop.compare(UNIT, Retry())

    # `dbt retry`: the model is published although its unit test fails.
    assert comparison.upstream.order_violations == {"doubled before doubles"}
    assert comparison.upstream.statuses == {"doubles": "fail", "doubled": "success", "below": "success"}
    assert "main.doubled" in comparison.upstream.relations
    # `dbt retry-plus`:
    assert comparison.ours.order_violations == frozenset()
    assert comparison.ours.statuses == {"doubles": "fail", "doubled": "skipped", "below": "skipped"}
    assert "main.doubled" not in comparison.ours.relations
    assert comparison.ours.invocation.exit_code == 1


# One batch after the other: left to itself dbt-core 1.9 waits for ever for a second thread to run them on.
MICROBATCH = InlineProject(
    files={
        "models/events.sql": "{{ config(materialized='view', event_time='happened') }} select * from raw.events",
        "models/daily.sql": """
            {{ config(materialized='incremental', incremental_strategy='microbatch', event_time='happened',
                      batch_size='day', begin='2024-01-01', concurrent_batches=false) }}
            select id, happened, 10 / cast(divisor as integer) as share from {{ ref('events') }}
        """,
        "models/below.sql": "select count(*) as n from {{ ref('daily') }}",
    },
    raw=(
        "create schema raw",
        """create table raw.events as
           select 1 as id, timestamp '2024-01-01 10:00' as happened, '1' as divisor
           union all select 2, timestamp '2024-01-02 10:00', 'none'
           union all select 3, timestamp '2024-01-03 10:00', '3'""",
    ),
    settings={"flags": {"require_batched_execution_for_custom_microbatch_strategy": True}},
    first=("run --event-time-start 2024-01-01 --event-time-end 2024-01-04",),
)
DIVISOR_REPAIRED = Retry(sql=["update raw.events set divisor = '2' where id = 2"])
needs_microbatch = pytest.mark.skipif(dbt_version() < (1, 9), reason="microbatch came with 1.9")


@needs_microbatch
def test_only_the_failed_batch_runs(workshop: Workshop) -> None:
    comparison = workshop.compare(MICROBATCH, DIVISOR_REPAIRED)

    comparison.assert_parity(executes={"daily": "success", "below": "success"})
    assert comparison.ours.relations["main.daily"].row_count == 3
    assert comparison.ours.invocation.count("LogStartBatch") == 1


@needs_microbatch
def test_failed_batches_of_a_build(workshop: Workshop) -> None:
    """Only they run again; in `dbt retry` of a `build` so only since dbt-core 1.10.20 and 1.11.7."""
    project = MICROBATCH.after(*(command.replace("run", "build") for command in MICROBATCH.first))

    comparison = workshop.compare(project, DIVISOR_REPAIRED)

    assert comparison.ours.invocation.count("LogStartBatch") == 1
    assert comparison.ours.statuses == comparison.upstream.statuses == {"daily": "success", "below": "success"}
    assert comparison.ours.relations == comparison.upstream.relations
    if comparison.upstream.invocation.count("LogStartBatch") == 1:
        comparison.assert_parity()


@needs_microbatch
def test_a_microbatch_model_whose_every_batch_failed(workshop: Workshop) -> None:
    project = replace(MICROBATCH, raw=(*MICROBATCH.raw, "update raw.events set divisor = 'none'"))

    comparison = workshop.compare(project, Retry(sql=["update raw.events set divisor = '5'"]))

    comparison.assert_parity(executes={"daily": "success", "below": "success"})
    assert comparison.ours.invocation.count("LogStartBatch") == 3


@pytest.mark.skipif(dbt_version() < (1, 10), reason="--sample came with 1.10")
def test_sample(workshop: Workshop) -> None:
    project = InlineProject(
        files={
            "models/sampled.sql": "{{ config(materialized='table') }} select * from {{ ref('timed') }} cross join raw.late",
            "models/timed.sql": """
                {{ config(event_time='happened') }}
                select timestamp '2024-01-01' as happened union all select timestamp '2024-02-01'
            """,
        },
        first=("run --sample \"{'start': '2024-01-01', 'end': '2024-01-10'}\"",),
    )

    comparison = workshop.compare(project, Retry(sql=LATE_ARRIVES))

    comparison.assert_parity(executes={"sampled": "success"})
    assert comparison.ours.relations["main.sampled"].row_count == 1


def test_a_source_that_arrived_runs_with_the_tests_above_it(workshop: Workshop) -> None:
    files = {**SHOP.files, "models/src.yml": "models: []"}
    project = SHOP.after("build --select source:raw.orders+", files=files, parsed_once=False)

    comparison = workshop.compare(project, after_orders_arrived())

    comparison.assert_parity(
        executes={
            "stg_orders": "success",
            "not_null_stg_orders_id": "pass",
            "orders": "success",
            "orders_have_a_customer": "pass",
            "revenue": "success",
        }
    )
