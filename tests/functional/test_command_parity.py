"""Every command that executes nodes is retried as `dbt retry` does it, down to the log events and the artifacts."""

from __future__ import annotations

import shutil

import pytest

from tests.functional.shop import ORDERS_ARRIVE, ORDERS_ARRIVED, SHOP
from tests.support.differential import Deviation, Retry
from tests.support.inline_projects import InlineProject, Workshop
from tests.support.invocations import RunnerCall, dbt_version
from tests.support.observations import OWN_FOLDER

pytestmark = pytest.mark.every_minor

RUN = {"stg_orders": "success", "orders": "success", "revenue": "success"}
TESTS = {"not_null_stg_orders_id": "pass", "orders_have_a_customer": "pass"}

# command → what its retry executes; options of `run` alone are compared in test_argument_parity.py
COMMANDS = {
    "test": dict.fromkeys(("not_null_stg_orders_id", "orders_have_a_customer", "unique_customers_id"), "error"),
    "test --store-failures --exclude orders": {"not_null_stg_orders_id": "error", "unique_customers_id": "error"},
    "build --empty": RUN | TESTS,
    "--log-format json build --no-partial-parse": RUN | TESTS,
}


@pytest.mark.parametrize("command", COMMANDS)
def test_command(workshop: Workshop, command: str) -> None:
    comparison = workshop.compare(SHOP.after(command), ORDERS_ARRIVED)

    comparison.assert_parity(executes=COMMANDS[command])


SEEDED = InlineProject(
    files={
        "seeds/good.csv": "id\n1\n",
        "seeds/bad.csv": "id\nnot a number\n",
        "seeds/seeds.yml": "seeds: [{name: bad, config: {column_types: {id: integer}}}]",
    },
    first=("seed",),
)


def test_seed(workshop: Workshop) -> None:
    comparison = workshop.compare(SEEDED, Retry(files={"seeds/bad.csv": "id\n2\n"}))

    comparison.assert_parity(executes={"bad": "success"})


def test_snapshot(workshop: Workshop) -> None:
    project = InlineProject(
        files={
            "snapshots/history.sql": """
                {% snapshot history %}
                {{ config(target_schema='main', unique_key='id', strategy='check', check_cols='all') }}
                select id, amount from raw.orders
                {% endsnapshot %}
            """
        },
        first=("snapshot",),
    )
    comparison = workshop.compare(project, Retry(sql=["create schema raw", ORDERS_ARRIVE]))

    comparison.assert_parity(executes={"history": "success"})
    assert comparison.ours.relations["main.history"].row_count == 2


def test_a_retry_that_fails_again_and_then_succeeds(workshop: Workshop) -> None:
    first, second = workshop.compare_chain(SHOP.after("build"), Retry(), ORDERS_ARRIVED)

    first.assert_parity()
    assert first.ours.invocation.exit_code == 1
    second.assert_parity()
    assert second.ours.invocation.exit_code == 0


def test_warn_error(workshop: Workshop) -> None:
    comparison = workshop.compare(SHOP.after("build"), Retry(arguments="--warn-error", sql=[ORDERS_ARRIVE]))

    comparison.assert_parity()


def test_threads_and_vars(workshop: Workshop) -> None:
    threads = "--threads 3 " if dbt_version() >= (1, 9) else ""
    retry = Retry(arguments=f"{threads}--vars 'answer: 42'", sql=[ORDERS_ARRIVE])
    comparison = workshop.compare(SHOP.after("run"), retry)

    comparison.assert_parity()
    assert comparison.ours.run_results is not None
    assert comparison.ours.run_results["args"]["vars"] == {"answer": 42}


def test_results_in_another_folder(workshop: Workshop) -> None:
    """`--state` names the folder of the results, `--target-path` where the retry writes."""
    project = SHOP.after("run --target-path elsewhere")
    comparison = workshop.compare(project, Retry(arguments="--state elsewhere", sql=[ORDERS_ARRIVE]))

    comparison.assert_parity()
    assert comparison.ours.statuses["stg_orders"] == "success"


def test_a_moved_target_path_and_project_dir(workshop: Workshop) -> None:
    retry = Retry(
        arguments="--project-dir project --profiles-dir project --target-path moved",
        sql=[ORDERS_ARRIVE],
        folder=".",
        target="project/moved",
    )
    project = SHOP.after("run --target-path moved")
    comparison = workshop.compare(project, retry)

    comparison.assert_parity()
    assert comparison.ours.statuses["stg_orders"] == "success"


def test_run_operation_with_nested_arguments(workshop: Workshop) -> None:
    project = InlineProject(
        files={
            "macros/op.sql": "{% macro op(names, count) %}{{ print(names | join('+') ~ count) }}"
            "{% do run_query('select * from raw.orders') %}{% endmacro %}"
        },
        first=("run-operation op --args '{names: [a, b], count: 3}'",),
    )
    comparison = workshop.compare(project, Retry(sql=["create schema raw", ORDERS_ARRIVE]))

    comparison.assert_parity()
    assert "a+b3" in comparison.ours.invocation.stdout
    assert comparison.ours.invocation.exit_code == 0


def test_the_programmatic_api(workshop: Workshop) -> None:
    comparison = workshop.compare_calls(SHOP.after("build"), ORDERS_ARRIVED, RunnerCall(["retry"]))

    comparison.assert_parity()
    assert comparison.ours.invocation.outcomes[0].success
    assert comparison.ours.invocation.outcomes[0].result_type == "RunExecutionResult"


def test_the_programmatic_api_when_a_node_fails_again(workshop: Workshop) -> None:
    comparison = workshop.compare_calls(SHOP.after("run"), Retry(), RunnerCall(["retry"]), RunnerCall(["retry"]))

    comparison.assert_parity()
    assert [outcome.success for outcome in comparison.ours.invocation.outcomes] == [False, False]


@pytest.mark.skipif(dbt_version() < (1, 9), reason="microbatch models came with dbt-core 1.9")
def test_only_failed_batches_run_again(workshop: Workshop) -> None:
    # Left to itself dbt-core 1.9 waits for ever for a second thread to run the batches on.
    project = InlineProject(
        files={
            "models/events.sql": "{{ config(materialized='table', event_time='happened_at') }} select * from raw.events",
            "models/daily.sql": """
                {{ config(materialized='incremental', incremental_strategy='microbatch', event_time='happened_at',
                          batch_size='day', begin='2026-01-01', concurrent_batches=false) }}
                select id, happened_at, cast(amount as integer) as amount from {{ ref('events') }}
            """,
        },
        raw=(
            "create schema raw",
            "create table raw.events as select 1 as id, timestamp '2026-01-01' as happened_at, '5' as amount "
            "union all select 2, timestamp '2026-01-02', 'many' union all select 3, timestamp '2026-01-03', '7'",
        ),
        first=("run --event-time-start 2026-01-01 --event-time-end 2026-01-04 --threads 1",),
    )
    # The table that the batches read is mended; the failed batch alone runs again.
    comparison = workshop.compare(project, Retry(sql=["update main.events set amount = '6' where id = 2"]))

    comparison.assert_parity(executes={"daily": "success"})
    assert comparison.ours.relations["main.daily"].row_count == 3


def test_row_22_docs_generate_can_be_retried(workshop: Workshop) -> None:
    """dbt records no failure of `docs generate`, so one is written into its results."""
    project = InlineProject(files={"models/a.sql": "select 1 as id"}, first=("run", "docs generate"))
    prepared = workshop.prepare(project)
    observations = []
    for command in ("retry", "retry-plus"):
        workshop.restore(prepared)
        results = workshop.stage / "project" / "target" / "run_results.json"
        results.write_text(results.read_text().replace('"status": "success"', '"status": "error"'))
        (results.parent / "catalog.json").unlink()
        shutil.rmtree(results.parent / OWN_FOLDER)  # it would know better
        observations.append(workshop.run(project, Retry(), command))
    upstream, ours = observations
    assert upstream.invocation.exit_code != 0
    assert "No such option" in upstream.invocation.output
    assert ours.invocation.exit_code == 0
    assert "model.shop.a" in ours.files["catalog.json"]["nodes"]


def test_a_successful_run_operation_is_not_run_again(workshop: Workshop) -> None:
    """So in `dbt retry` since dbt-core 1.11."""
    project = InlineProject(
        files={"macros/op.sql": "{% macro op() %}{{ print('ran') }}{% endmacro %}"}, first=("run-operation op",)
    )
    calls = workshop.compare_calls(project, Retry(), RunnerCall(["retry"]))

    assert calls.ours.invocation.outcomes[0].success
    assert "ran" not in calls.ours.invocation.stdout.split()
    if dbt_version() < (1, 11):
        assert "ran" in calls.upstream.invocation.stdout.split()
    else:
        calls.assert_parity(
            Deviation(row=4, aspect="event"),
            Deviation(row=4, aspect="shown event"),
            Deviation(row=4, aspect="stdout"),
        )
