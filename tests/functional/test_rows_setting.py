"""Rows 20, 21 and 33 of "How it differs from dbt retry": catalogs, a supplied manifest, hooks before the nodes."""

from __future__ import annotations

import pytest

from tests.support.differential import Retry
from tests.support.inline_projects import InlineProject, Workshop
from tests.support.invocations import RunnerCall, dbt_version

ARRIVES = ("create schema raw", "create table raw.late as select 1 as id")

# dbt-duckdb has no catalogs, so a module that dbt imports as it imports plugins gives it one.
CATALOGS = {
    "shop_site/dbt_shop_catalogs.py": """
        from types import SimpleNamespace

        from dbt.adapters.catalogs import CatalogIntegration
        from dbt.adapters.duckdb import DuckDBAdapter


        class Shelf(CatalogIntegration):
            catalog_type = "shelf"
            allows_writes = True

            def build_relation(self, model):
                return SimpleNamespace()


        if Shelf not in DuckDBAdapter.CATALOG_INTEGRATIONS:
            DuckDBAdapter.CATALOG_INTEGRATIONS = [*DuckDBAdapter.CATALOG_INTEGRATIONS, Shelf]
        plugins = []
    """,
    "catalogs.yml": """
        catalogs:
          - name: shelf
            active_write_integration: left
            write_integrations: [{name: left, catalog_type: shelf}]
    """,
    "models/late.sql": """
        {{ config(catalog_name='shelf') }}
        select id, '{{ adapter.get_catalog_integration('shelf').name if execute }}' as shelf from raw.late
    """,
}


@pytest.mark.skipif(dbt_version() < (1, 10), reason="catalogs.yml came with dbt-core 1.10")
def test_row_20_catalogs_are_registered(workshop: Workshop) -> None:
    site = str(workshop.stage / "project" / "shop_site")
    project = InlineProject(CATALOGS, first=(), environment={"PYTHONPATH": site})
    seen = {}
    for command in ("retry", "retry-plus"):
        workshop.restore(workshop.prepare(project))
        first = workshop.dbt(project, Retry(cold=True))("run")
        assert first.exit_code == 1, first.output
        seen[command] = workshop.run(project, Retry(sql=ARRIVES, cold=True), command)

    if dbt_version() < (1, 12):  # upstream has mended it since
        assert seen["retry"].invocation.exit_code == 1, seen["retry"].invocation.output
    assert seen["retry-plus"].statuses == {"late": "success"}, seen["retry-plus"].invocation.output


FILES = {
    "models/first.sql": "select 1 as id",
    "models/late.sql": "select f.id from {{ ref('first') }} f, raw.late",
}


def test_row_21_a_supplied_manifest_is_used(workshop: Workshop) -> None:
    project = InlineProject(FILES, first=("run",))
    for command, reads in (("retry", True), ("retry-plus", False)):
        workshop.restore(workshop.prepare(project))
        workshop.put_right(Retry(sql=ARRIVES))
        calls = [RunnerCall(["parse"]), RunnerCall([command], callbacks=True, reuse_manifest=True)]
        outcome = workshop.dbt(project).call(*calls).outcomes[1]
        assert outcome.success, outcome.exception_text
        assert ("PartialParsingSkipParsing" in outcome.callback_events) is reads, outcome.callback_events


def test_row_21_a_manifest_that_holds_an_earlier_run_is_not(workshop: Workshop) -> None:
    files = {
        "models/passing.sql": "{{ config(materialized='ephemeral') }} select 1 as id",
        "models/late.sql": "select p.id from {{ ref('passing') }} p, raw.late",
    }
    project = InlineProject(files, first=("parse",))
    workshop.restore(workshop.prepare(project))
    failing = RunnerCall(["run"], reuse_manifest=True)
    calls = [RunnerCall(["parse"]), failing, RunnerCall(["retry-plus"], callbacks=True, reuse_manifest=True)]

    _, failed, retried = workshop.dbt(project).call(*calls).outcomes

    assert not failed.success
    assert not retried.success  # the table has not arrived
    assert [row["status"] for row in retried.results or ()] == ["error"]
    assert "PartialParsingSkipParsing" in retried.callback_events


@pytest.mark.every_minor
@pytest.mark.parametrize("hook", ["on-run-start", "on-run-end"])
def test_row_33_a_failed_hook_runs_again(workshop: Workshop, hook: str) -> None:
    project = InlineProject(
        {"models/first.sql": "{{ config(materialized='table') }} select 1 as id"},
        first=("run",),
        settings={hook: ["insert into raw.noted select 1"]},
    )
    arrives = Retry(sql=("create schema raw", "create table raw.noted (id int)"))

    comparison = workshop.compare(project, arrives)

    ours = comparison.ours
    assert ours.invocation.exit_code == 0, ours.invocation.output
    assert ours.relations["raw.noted"].row_count == 1
    assert "main.first" in ours.relations
    if dbt_version() < (1, 12):
        assert comparison.upstream.relations["raw.noted"].row_count == 0
        assert comparison.upstream.invocation.exit_code == 0
