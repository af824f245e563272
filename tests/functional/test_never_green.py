"""Ways to a false green that are easy to miss: what dbt skips in silence, and what a retry left behind."""

from __future__ import annotations

import json
import shutil

import pytest

from dbt_retry_plus.ledger.run_results import identity_of
from tests.functional.refusals import sentence
from tests.support.differential import Retry
from tests.support.inline_projects import InlineProject, Workshop
from tests.support.invocations import dbt_version

TABLE = "{{ config(materialized='table') }}"
UNIT_TEST = {
    "unit_tests": [
        {
            "name": "adds_one",
            "model": "z",
            "given": [{"input": "ref('y')", "rows": [{"id": 1}]}],
            "expect": {"rows": [{"id": 3}]},
        }
    ]
}


def test_unit_tests_that_fail_fast_skips_in_silence_are_run(workshop: Workshop) -> None:
    project = InlineProject(
        files={
            "models/x.sql": f"{TABLE} select * from raw.late",
            "models/y.sql": f"{TABLE} select 1 as id -- {{{{ ref('x') }}}}",
            "models/z.sql": f"{TABLE} select id + 1 as id from {{{{ ref('y') }}}}",
            "models/unit.yml": json.dumps(UNIT_TEST),
        },
        first=("build --fail-fast --threads 1",),
    )
    workshop.restore(workshop.prepare(project))
    arrived = ["create schema raw", "create table raw.late as select 1 as id"]

    ours = workshop.run(project, Retry("--no-fail-fast", sql=arrived), "retry-plus")

    assert ours.statuses["adds_one"] == "fail"
    assert ours.invocation.exit_code == 1


def test_a_planned_node_that_a_retry_did_not_reach_is_unproven(workshop: Workshop) -> None:
    project = InlineProject(
        files={
            "models/a.sql": f"{TABLE} select 1 as id",
            "models/b.sql": f"{TABLE} select a.id from {{{{ ref('a') }}}} a, raw.late",
            "models/c1.sql": f"{TABLE} select id from {{{{ ref('a') }}}}",
            "models/c2.sql": f"{TABLE} select id from {{{{ ref('c1') }}}}",
        },
        first=("build --threads 1",),
    )
    workshop.restore(workshop.prepare(project))
    changed = {"models/a.sql": f"{TABLE} select 2 as id"}
    workshop.run(project, Retry("--fail-fast --no-write-json", files=changed), "retry-plus")
    arrived = ["create schema raw", "create table raw.late as select 1 as n"]

    ours = workshop.run(project, Retry("--no-fail-fast", sql=arrived), "retry-plus")

    assert ours.invocation.exit_code == 0
    assert {name: ours.relations[f"main.{name}"].rows for name in ("a", "c1", "c2")} == dict.fromkeys(
        ("a", "c1", "c2"), "(2,)"
    )


@pytest.mark.skipif(dbt_version() < (1, 9), reason="microbatch models came with dbt-core 1.9")
def test_no_batch_counts_as_done_below_a_rebuilt_parent(workshop: Workshop) -> None:
    day = "timestamp '2026-01-0{}' as happened_at"
    parent = "{{{{ config(materialized='table', event_time='happened_at') }}}} select {} as n, " + day.format(1)
    parent += " union all select {}, " + day.format(2).removesuffix(" as happened_at")
    project = InlineProject(
        files={
            "models/p.sql": parent.format("'1'", "'many'"),
            "models/m.sql": """
                {{ config(materialized='incremental', incremental_strategy='microbatch', event_time='happened_at',
                          batch_size='day', begin='2026-01-01') }}
                select cast(n as integer) as n, happened_at from {{ ref('p') }}
            """,
        },
        first=("run --event-time-start 2026-01-01 --event-time-end 2026-01-03 --threads 2",),
    )
    workshop.restore(workshop.prepare(project))

    ours = workshop.run(project, Retry(files={"models/p.sql": parent.format("'10'", "'20'")}), "retry-plus")

    assert ours.statuses == {"p": "success", "m": "success"}
    assert "10" in str(ours.relations["main.m"].rows)


def test_another_default_target_is_refused(workshop: Workshop) -> None:
    project = InlineProject(
        files={"models/late.sql": "select * from raw.late"},
        first=("run",),
        extra_targets={"other": {"type": "duckdb", "path": ":memory:"}},
    )
    workshop.restore(workshop.prepare(project))

    ours = workshop.dbt(project, Retry(environment={"DBT_TARGET": "other"}))("retry-plus")

    assert ours.exit_code == 2
    assert "ran with the target 'dev', and this retry would run with 'other'" in sentence(ours)


def test_an_option_that_was_typed_outlives_a_standing_variable(workshop: Workshop) -> None:
    standing = {"DBT_FULL_REFRESH": "false"}
    project = InlineProject(
        files={"models/late.sql": "{{ config(materialized='incremental') }} select * from raw.late"},
        first=("run --full-refresh",),
        environment=standing,
    )
    workshop.restore(workshop.prepare(project))
    plan = workshop.run(project, Retry("--dry-run --output json", environment=standing), "retry-plus").invocation.stdout
    assert json.loads(plan)["arguments"]["full_refresh"] == {"value": True, "source": "recorded"}


@pytest.mark.skipif(dbt_version() < (1, 10), reason="the flag came with dbt-core 1.10")
def test_our_warnings_never_become_errors_of_dbts(workshop: Workshop) -> None:
    project = InlineProject(
        files={"models/a.sql": "select 1 as id"},
        settings={"flags": {"require_all_warnings_handled_by_warn_error": True}},
        environment={"DBT_RETRY_PLUS_KEEP_INVOCATIONS": "many"},
        first=("--warn-error build",),
    )
    built = workshop.prepare(project).first[0]
    assert "does not record this invocation" in built.stdout
    assert built.exit_code == 0, built.output


def test_the_folder_of_a_retry_tells_of_its_project_without_the_rest_of_the_ledger(workshop: Workshop) -> None:
    """As CI keeps it: the manifest in it is the one of its results."""
    project = InlineProject(
        files={
            "models/a.sql": f"{TABLE} select id from raw.first",
            "models/b.sql": f"{TABLE} select a.id from {{{{ ref('a') }}}} a, raw.late",
        },
        raw=("create schema raw",),
        first=("build",),
    )
    workshop.restore(workshop.prepare(project))
    workshop.run(project, Retry(sql=["create table raw.first as select 1 as id"]), "retry-plus")
    target = workshop.stage / "project/target"
    retry = identity_of(target)
    assert retry is not None
    (target / "retry_plus/invocations" / retry).rename(workshop.stage / "project/kept")
    shutil.rmtree(target)

    edited = {"models/a.sql": f"{TABLE} select id + 1 as id from raw.first"}
    arrived = ["create table raw.late as select 1 as id"]
    ours = workshop.run(project, Retry("--state kept", files=edited, sql=arrived), "retry-plus")

    assert ours.statuses == {"a": "success", "b": "success"}
    assert ours.relations["main.b"].rows == "(2,)"
