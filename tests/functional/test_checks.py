"""Checks before a retry runs: what stops it, what is only said, and what settings and `--force` make of that."""

from __future__ import annotations

import json

import pytest

from tests.functional.refusals import sentence
from tests.support.differential import Retry
from tests.support.inline_projects import InlineProject, Workshop
from tests.support.invocations import Invocation

FIRST = "{{ config(materialized='table') }} select 1 as id"
PROJECT = InlineProject(
    {
        "models/first.sql": FIRST,
        "models/late.sql": "select f.id from {{ ref('first') }} f, raw.late",
        "models/other.sql": "select 1 as one",
    },
    first=("run",),
)
ARRIVES = ("create schema raw", "create table raw.late as select 1 as id")
SETTINGS = "dbt_retry_plus.yml"


def retried(
    workshop: Workshop, arguments: str = "", *, project: InlineProject = PROJECT, **changes: object
) -> Invocation:
    workshop.restore(workshop.prepare(project))
    retry = Retry(arguments, sql=ARRIVES, **changes)  # type: ignore[arg-type]
    workshop.put_right(retry)
    return workshop.dbt(project, retry)(*retry.command_line("retry-plus"))


@pytest.mark.every_minor
def test_a_record_that_is_too_old_is_refused_unless_forced(workshop: Workshop) -> None:
    old = {"DBT_RETRY_PLUS_MAX_AGE": "0.01s"}
    refused = retried(workshop, environment=old)
    assert refused.exit_code == 2
    assert "began " in sentence(refused) and sentence(refused).endswith("[record-too-old]")
    forced = retried(workshop, "--force", environment=old)
    assert forced.exit_code == 0
    assert "[record-too-old]" in forced.stdout


@pytest.mark.every_minor
def test_another_schema_is_refused_unless_accepted(workshop: Workshop) -> None:
    output = {**workshop._warehouse.profile_output(), "schema": "{{ env_var('SHOP_SCHEMA', 'main') }}"}
    project = PROJECT.after("run", extra_targets={"dev": output})
    elsewhere = {"SHOP_SCHEMA": "elsewhere"}

    refused = retried(workshop, project=project, environment=elsewhere)

    assert refused.exit_code == 2
    assert "had the schema 'main', and has 'elsewhere' now" in sentence(refused)
    accepted = retried(workshop, "--allow-target-change", project=project, environment=elsewhere)
    assert "[schema-differs]" not in accepted.output
    assert accepted.exit_code == 1  # where nothing is proven: `first` is not there
    assert retried(workshop, project=project).exit_code == 0


def test_deferral_to_a_folder_that_is_gone_is_refused(workshop: Workshop) -> None:
    project = PROJECT.after("run --exclude late other --target-path prod", "run --defer --state prod")
    workshop.restore(workshop.prepare(project))
    for file in (workshop.stage / "project" / "prod").iterdir():
        if file.is_file():
            file.unlink()

    refused = workshop.dbt(project)("retry-plus")

    assert refused.exit_code == 2
    assert sentence(refused).endswith("[state-gone]")
    without = workshop.dbt(project)("retry-plus", "--no-defer")
    assert "[state-gone]" not in without.output
    assert without.exit_code == 1  # the table has still not arrived


def test_settings_raise_and_silence_findings(workshop: Workshop) -> None:
    changed = {"models/other.sql": "select 2 as one"}
    said = retried(workshop, files=changed)
    assert said.exit_code == 0
    assert "Changed since they succeeded, and left as they are: model.shop.other." in said.stdout
    assert "[changed-not-run]" in said.stdout

    silent = retried(workshop, files={**changed, SETTINGS: "checks: {changed-not-run: ignore}"})
    assert silent.exit_code == 0
    assert "[changed-not-run]" not in silent.output

    stopped = retried(workshop, files={**changed, SETTINGS: "checks: {changed-not-run: error}"})
    assert stopped.exit_code == 2
    assert sentence(stopped).endswith("[changed-not-run]")

    unknown = retried(workshop, files={SETTINGS: "checks: {changed-not-ran: error}"})
    assert unknown.exit_code == 2
    assert "names the check 'changed-not-ran', which does not exist. Did you mean 'changed-not-run'?" in sentence(
        unknown
    )


def test_a_dry_run_shows_the_plan_and_then_what_would_stop_it(workshop: Workshop) -> None:
    shown = retried(workshop, "--dry-run --output json", environment={"DBT_RETRY_PLUS_MAX_AGE": "0.01s"})
    assert shown.exit_code == 2
    (finding,) = json.loads(shown.stdout)["findings"]
    assert (finding["severity"], finding["code"], finding["passable"]) == ("error", "record-too-old", True)
    assert "[record-too-old]" in shown.stderr


def test_without_a_record_a_later_command_is_noticed(workshop: Workshop) -> None:
    project = PROJECT.after("run", "ls", environment={"DBT_RETRY_PLUS_RECORD": "0"})
    done = retried(workshop, project=project)
    assert done.exit_code == 0
    assert "[stale-artifacts]" in done.stdout
    assert "[stale-artifacts]" not in retried(workshop, project=project.after("run")).output


@pytest.mark.every_minor
def test_proven_nodes_that_the_warehouse_lacks_are_rebuilt_on_request(workshop: Workshop) -> None:
    dropped = Retry(sql=("drop table main.first", *ARRIVES))
    comparison = workshop.compare(PROJECT, dropped, our_retry=Retry("--check-relations", sql=dropped.sql))
    assert comparison.upstream.invocation.exit_code == 1
    ours = comparison.ours
    assert ours.invocation.exit_code == 0, ours.invocation.output
    assert ours.statuses == {"first": "success", "late": "success"}
    assert ours.invocation.started == {"model.shop.first", "model.shop.late"}
    assert "Proven, and not in the warehouse any more: model.shop.first. They are rebuilt." in ours.invocation.stdout


def test_a_node_has_rules_of_its_own(workshop: Workshop) -> None:
    def first(changed: str) -> dict[str, str]:
        own = "{{ config(materialized='table', meta={'retry_plus': {'changed': '%s'}}) }} select 2 as id"
        return {"models/first.sql": own % changed}

    left = retried(workshop, files=first("none"))
    assert left.exit_code == 0
    assert left.started == {"model.shop.late"}
    assert "[changed-not-run]" in left.stdout
    assert retried(workshop, "--changed ancestors", files=first("none")).started == {
        "model.shop.first",
        "model.shop.late",
    }
    refused = retried(workshop, files=first("nome"))
    assert refused.exit_code == 2
    assert sentence(refused) == (
        "model.shop.first (models/first.sql), meta.retry_plus, gives the setting 'changed' the value 'nome', which is "
        "not one of none, ancestors. Mend it."
    )
