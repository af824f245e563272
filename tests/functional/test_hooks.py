"""The hooks of a project's own file, in real retries."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.functional.refusals import sentence
from tests.support.differential import Retry
from tests.support.inline_projects import InlineProject, Workshop
from tests.support.invocations import Invocation

FILES = {
    "models/first.sql": "{{ config(materialized='table') }} select {{ var('size', 1) }} as id",
    "models/late.sql": "select f.id from {{ ref('first') }} f, raw.late {{ env_var('SHOP_SUFFIX', '') }}",
    "models/below.sql": "select * from {{ ref('late') }}",
    "models/other.sql": "select 1 as one",
    "models/next.sql": "select * from {{ ref('other') }}",
    "dbt_retry_plus.yml": "hooks: our_hooks.py",
}
HEAD = """
import json
from pathlib import Path
from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.types import Addition, Change, Finding, Removal
from dbt_retry_plus.words import Severity

"""
PROJECT = InlineProject({**FILES, "our_hooks.py": HEAD}, first=("build --vars '{size: 1}'",))
ARRIVES = ("create schema raw", "create table raw.late as select 1 as id")


def retried(workshop: Workshop, hooks: str, arguments: str = "", **changes: Any) -> Invocation:
    workshop.restore(workshop.prepare(PROJECT))
    files = {"our_hooks.py": HEAD + hooks, **changes.pop("files", {})}
    retry = Retry(arguments, sql=ARRIVES, files=files, **changes)
    workshop.put_right(retry)
    return workshop.dbt(PROJECT, retry)(*retry.command_line("retry-plus"))


def test_a_check_may_veto_and_nothing_runs(workshop: Workshop) -> None:
    veto = """
@hookimpl
def retry_plus_check_plan(retry):
    if len(retry.plan.nodes) == 2 and retry.manifest["nodes"]["model.shop.late"]["name"] == "late":
        yield Finding(Severity.ERROR, "frozen", "The warehouse is frozen.", "Come back tomorrow.")
"""
    refused = retried(workshop, veto)
    assert refused.exit_code == 2
    assert sentence(refused) == "The warehouse is frozen. Come back tomorrow. [project/frozen]"
    assert refused.started == frozenset()
    # It cannot be forced unless it says so; it can be silenced, and left out.
    assert retried(workshop, veto, "--force").exit_code == 2
    levels = "hooks: our_hooks.py\nchecks: {project/frozen: ignore}"
    assert retried(workshop, veto, files={"dbt_retry_plus.yml": levels}).exit_code == 0
    assert retried(workshop, veto, "--no-plugin project").exit_code == 0


@pytest.mark.every_minor
def test_a_check_that_raises_stops_the_retry(workshop: Workshop) -> None:
    refused = retried(workshop, "@hookimpl\ndef retry_plus_check_record(retry):\n    return [1 / 0]")
    assert refused.exit_code == 2
    assert "failed: ZeroDivisionError: division by zero." in sentence(refused)
    assert sentence(refused).endswith("[plugin-failed]")


def test_a_file_that_cannot_be_loaded_stops_the_retry_if_it_may_hold_a_check(workshop: Workshop) -> None:
    assert retried(workshop, "import nothing_of_that_name").exit_code == 0
    refused = retried(workshop, "import nothing_of_that_name\ndef retry_plus_check_plan(): ...")
    assert refused.exit_code == 2
    assert "ModuleNotFoundError" in sentence(refused) and sentence(refused).endswith("[plugin-broken]")


def test_a_node_that_a_plugin_takes_out_leaves_the_retry_red(workshop: Workshop) -> None:
    removal = """
@hookimpl
def retry_plus_amend(retry):
    yield Removal("model.shop.below", "it is expensive")
"""
    done = retried(workshop, removal)
    assert done.started == {"model.shop.late"}
    assert done.exit_code == 1
    assert "The plugin project takes out model.shop.below: it is expensive." in done.stdout
    again = workshop.dbt(PROJECT)("retry-plus", "--no-plugin", "project")
    assert again.exit_code == 0
    assert again.started == {"model.shop.below"}


def test_a_node_that_a_plugin_asks_for_runs_with_all_that_is_built_on_it(workshop: Workshop) -> None:
    addition = """
@hookimpl
def retry_plus_amend(retry):
    return [Addition("model.shop.other", "its file was replaced"), Addition("model.shop.nowhere", "why not")]
"""
    done = retried(workshop, addition)
    assert done.exit_code == 0
    assert done.started == {f"model.shop.{name}" for name in ("late", "below", "other", "next")}
    assert "asks for model.shop.nowhere: why not. It is no proven node" in done.stdout


@pytest.mark.every_minor
def test_a_comparison_tells_what_is_different(workshop: Workshop) -> None:
    look = """
@hookimpl
def retry_plus_compare(retry):
    found = retry.comparison
    told = {name: sorted(getattr(found, name)) for name in ("modified", "removed", "disabled", "variables", "environment")}
    Path(retry.project_root, "told.json").write_text(json.dumps(told))
    return [Change("model.shop.first", "the moon")]
"""
    disabled = {"models/next.sql": "{{ config(enabled=false) }} select * from {{ ref('other') }}"}
    done = retried(workshop, look, "--vars 'size: 2'", files=disabled, environment={"SHOP_SUFFIX": "-- changed"})
    assert done.exit_code == 0
    told = json.loads((workshop.stage / "project" / "told.json").read_text())
    assert told["removed"] == told["disabled"] == ["model.shop.next"]
    assert told["variables"] == ["size"]
    assert told["environment"] == ["SHOP_SUFFIX"]
    assert done.started == {"model.shop.first", "model.shop.late", "model.shop.below"}


def test_observers_are_told_and_stop_nothing(workshop: Workshop) -> None:
    observers = """
@hookimpl
def retry_plus_before_execution(retry):
    Path(retry.project_root, "before").write_text(str(len(retry.plan.nodes)))

@hookimpl
def retry_plus_after_execution(retry, success):
    Path(retry.project_root, "after").write_text(str(success))
    raise OSError("no network")
"""
    done = retried(workshop, observers)
    assert done.exit_code == 0
    assert "failed, and is left out: OSError: no network." in done.stdout
    assert (workshop.stage / "project" / "before").read_text() == "2"
    assert (workshop.stage / "project" / "after").read_text() == "True"
    for name in ("before", "after"):
        (workshop.stage / "project" / name).unlink()
    assert workshop.dbt(PROJECT)("retry-plus").exit_code == 0  # nothing to do
    assert not (workshop.stage / "project" / "before").exists()
