"""The options of the original command, and those of the retry that `dbt retry` honours, work as they do there."""

from __future__ import annotations

import pytest

from tests.functional.shop import FILES, ORDERS_ARRIVE, SHOP, after_orders_arrived
from tests.support.differential import Deviation, Retry
from tests.support.inline_projects import InlineProject, Workshop
from tests.support.invocations import dbt_version

REVENUE = {"stg_orders": "success", "orders": "success", "revenue": "success"}

ORIGINAL_OPTIONS = {
    "threads": "run --threads 3",
    "store failures": "build --store-failures --resource-type model",
    "full refresh": "run --full-refresh",
    "empty": "run --empty",
    "no partial parse": "--no-partial-parse run",
    "no version check": "run --no-version-check",
    "cache": "run --cache-selected-only",
    "no cache": "run --no-populate-cache",
    "no introspection": "run --no-use-experimental-parser --no-static-parser",
    "quiet": "--quiet run",
    "printer width": "--printer-width 100 run",
    "debug log": "--log-level debug run --log-format json",
    "warn error options": "run --warn-error-options '{error: [NoNodesForSelectionCriteria], silence: [TestsConfigDeprecation]}'",
}


@pytest.mark.parametrize("option", ORIGINAL_OPTIONS)
def test_option_of_the_original_command(workshop: Workshop, option: str) -> None:
    comparison = workshop.compare(SHOP.after(ORIGINAL_OPTIONS[option]), after_orders_arrived())

    comparison.assert_parity(executes=REVENUE)


def test_nodes_that_fail_fast_kept_back(workshop: Workshop) -> None:
    comparison = workshop.compare(SHOP.after("run --fail-fast"), after_orders_arrived())

    # Only --fail-fast puts ephemeral models on record.
    comparison.assert_parity(executes=REVENUE | {"customers": "success", "paid_orders": "success"})


# name → the retry, and the arguments that it runs its task with. `dbt retry` takes these for the setting of its own
# messages and runs the task with the recorded values, which it records again; here they hold for the whole retry.
RETRY_OPTIONS = {
    "before the command": (
        after_orders_arrived(before_command="--quiet --no-print --cache-selected-only"),
        {"quiet": True, "print": False, "cache_selected_only": True},
    ),
    "log format": (
        after_orders_arrived("--log-format json --log-level debug"),
        {"log_format": "json", "log_level": "debug"},
    ),
    "log format before": (after_orders_arrived(before_command="--log-format json"), {"log_format": "json"}),
    "log path": (after_orders_arrived("--log-path elsewhere/logs", log="project/elsewhere/logs/dbt.log"), {}),
    "environment": (
        after_orders_arrived(environment={"DBT_QUIET": "true", "DBT_CACHE_SELECTED_ONLY": "true"}),
        {"quiet": True, "cache_selected_only": True},
    ),
    "console script": (after_orders_arrived(cold=True), {}),
}


@pytest.mark.parametrize("option", RETRY_OPTIONS)
def test_option_of_the_retry(workshop: Workshop, option: str) -> None:
    retry, honoured = RETRY_OPTIONS[option]

    comparison = workshop.compare(SHOP.after("run"), retry)

    comparison.assert_parity(
        *(Deviation(12, "recorded argument", name, ours=value) for name, value in honoured.items()),
        executes=REVENUE,
    )


def test_an_option_of_the_original_command_wins_over_a_variable_for_the_target(workshop: Workshop) -> None:
    """`--target` was typed; a variable of the shell that names another one has always been there."""
    project = InlineProject(
        {"models/late.sql": "{{ config(materialized='table') }} select * from raw.orders"},
        extra_targets={"other": {"type": "duckdb", "path": "other.duckdb"}},
        first=("run --target dev",),
    )
    arrived = Retry(sql=["create schema raw", ORDERS_ARRIVE], environment={"DBT_TARGET": "other"})

    comparison = workshop.compare(project, arrived)

    comparison.assert_parity(executes={"late": "success"})
    assert "main.late" in comparison.ours.relations


def test_a_retry_without_partial_parsing(workshop: Workshop) -> None:
    comparison = workshop.compare(SHOP.after("run"), after_orders_arrived("--no-partial-parse"))

    assert comparison.upstream.invocation.count("PartialParsingNotEnabled") == 0
    assert comparison.ours.invocation.count("PartialParsingNotEnabled") == 1
    comparison.assert_parity(
        Deviation(12, "recorded argument", "partial_parse", ours=False),
        Deviation(12, "event", "PartialParsing*"),
        # "Nothing changed, skipping partial parsing." is a note since 1.11.
        *((Deviation(12, "event", "Note"),) if dbt_version() >= (1, 11) else ()),
        executes=REVENUE,
    )


def test_threads_of_the_retry(workshop: Workshop) -> None:
    """Honoured by `dbt retry` since dbt-core 1.9.4."""
    comparison = workshop.compare(SHOP.after("run"), after_orders_arrived("--threads 2"))

    assert "Concurrency: 2 threads" in comparison.ours.invocation.stdout
    if dbt_version() < (1, 9):
        assert "Concurrency: 1 threads" in comparison.upstream.invocation.stdout
    else:
        comparison.assert_parity(executes=REVENUE)


VARS = SHOP.after(
    "run --vars '{table: orders, nested: {list: [1, two], text: it\\'s}}'".replace("\\'", "'\\''"),
    files={
        **FILES,
        "models/stg_orders.sql": "{{ config(materialized='table') }} select *, '{{ var('nested').list | join(' ') }}' as v from raw.{{ var('table') }}",
    },
    parsed_once=False,
)


def test_recorded_vars(workshop: Workshop) -> None:
    comparison = workshop.compare(VARS, after_orders_arrived())

    comparison.assert_parity(executes=REVENUE)
    assert "1 two" in comparison.ours.relations["main.stg_orders"].rows


def test_all_vars_given_again(workshop: Workshop) -> None:
    """The repair is in the vars; where every var is given again, replacing and merging are the same."""
    retry = Retry("""--vars '{table: customers, nested: {list: [3]}}'""")
    project = VARS.after("run --select stg_orders --vars '{table: orders, nested: {list: [1]}}'")

    comparison = workshop.compare(project, retry)

    comparison.assert_parity(executes={"stg_orders": "success"})
    assert comparison.ours.rows and "3" in comparison.ours.relations["main.stg_orders"].rows


WARNING_FILES = {
    "models/one.sql": "select 1 as id",
    "models/checks.yml": """
        models:
          - name: one
            columns:
              - name: id
                data_tests:
                  - accepted_values: {name: warns, values: [2], config: {severity: warn}}
                  - accepted_values: {name: fails, values: [2]}
                  - unique
    """,
}
WARNING = InlineProject(
    WARNING_FILES,
    raw=("create schema if not exists main", "create view main.one as select 1 as id"),
    settings={"flags": {"require_generic_test_arguments_property": False}},
    parsed_once=True,
)


def test_warnings_are_left_alone(workshop: Workshop) -> None:
    comparison = workshop.compare(WARNING.after("build"), Retry())

    comparison.assert_parity(executes={"fails": "fail"})


def test_warnings_are_retried_with_warn_error(workshop: Workshop) -> None:
    comparison = workshop.compare(WARNING.after("build"), Retry("--warn-error"))

    comparison.assert_parity(executes={"fails": "fail", "warns": "fail"})


def test_tests_that_warn_error_made_fail(workshop: Workshop) -> None:
    comparison = workshop.compare(WARNING.after("test --warn-error"), Retry("--warn-error"))

    comparison.assert_parity(executes={"fails": "fail", "warns": "fail"})


def test_stored_failures(workshop: Workshop) -> None:
    comparison = workshop.compare(WARNING.after("test --store-failures"), Retry())

    comparison.assert_parity(executes={"fails": "fail"})
    assert "main_dbt_test__audit.fails" in comparison.ours.relations
