"""Rows 10 to 18 and 30 of "How it differs from dbt retry": what a retry does with arguments.

Each test shows first what `dbt retry` does.
"""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from tests.support.differential import Retry
from tests.support.inline_projects import InlineProject, Workshop
from tests.support.invocations import RunnerCall
from tests.support.observations import Observation

# `late` fails until the retry's SQL has made the table that it reads.
FAILS_AT_FIRST = "{{ config(materialized='table') }} select id from raw.orders"
PUT_RIGHT = ("create schema raw", "create table raw.orders as select 1 as id")


def both(workshop: Workshop, project: InlineProject, retry: Retry) -> tuple[Observation, Observation]:
    comparison = workshop.compare(project, retry)
    return comparison.upstream, comparison.ours


def effective(observation: Observation, argument: str) -> Any:
    assert observation.run_results is not None
    return observation.run_results["args"].get(argument)


INCREMENTAL = InlineProject(
    files={
        "models/events.sql": "{{ config(materialized='incremental') }} select id from raw.orders",
    },
    raw=("create schema raw", "create table raw.orders as select 1 as id"),
    first=("run", "run"),
)


def test_row_10_full_refresh_is_honoured(workshop: Workshop) -> None:
    # The second run fails, since its source is gone; the retry must rebuild the table, not append to it.
    project = InlineProject(
        files=INCREMENTAL.files,
        raw=INCREMENTAL.raw,
        first=("run", "run --vars 'hook: broken'"),
        settings={
            "models": {"shop": {"+pre-hook": "{{ 'select * from nowhere' if var('hook', 'sound') == 'broken' }}"}}
        },
    )
    upstream, ours = both(workshop, project, Retry("--full-refresh --vars 'hook: sound'"))
    assert upstream.statuses == ours.statuses == {"events": "success"}
    assert upstream.relations["main.events"].row_count == 2  # accepted, ignored, appended
    assert ours.relations["main.events"].row_count == 1
    assert effective(ours, "full_refresh") is True


TARGETS = InlineProject(
    files={"models/late.sql": FAILS_AT_FIRST},
    extra_targets={"other": {"type": "duckdb", "path": "other.duckdb"}},
    first=("run",),
)


def test_row_11_another_target_is_refused(workshop: Workshop) -> None:
    upstream, ours = both(workshop, TARGETS, Retry("--target other", sql=PUT_RIGHT))
    assert upstream.invocation.exit_code == 0  # ran against the old target without a word
    assert effective(upstream, "target") is None
    assert ours.invocation.exit_code == 2
    assert "ran with the target 'dev'" in ours.invocation.output
    assert "--allow-target-change" in ours.invocation.output
    assert ours.invocation.started == frozenset()


def test_row_11_the_recorded_target_may_be_named(workshop: Workshop) -> None:
    _, ours = both(workshop, TARGETS, Retry("--target dev", sql=PUT_RIGHT))
    assert ours.invocation.exit_code == 0
    assert ours.statuses == {"late": "success"}


def test_row_11_another_target_runs_when_allowed(workshop: Workshop) -> None:
    prepared = workshop.prepare(TARGETS)
    workshop.restore(prepared)
    ours = workshop.run(TARGETS, Retry("--target other --allow-target-change"), "retry-plus")
    assert effective(ours, "target") == "other"
    assert ours.invocation.exit_code == 1  # the source is missing there too


def test_row_11_another_profile_is_refused(workshop: Workshop) -> None:
    profile = {"target": "dev", "outputs": {"dev": {"type": "duckdb", "path": "other.duckdb"}}}
    profiles = {"profiles.yml": json.dumps({"shop": profile, "other": profile})}
    upstream, ours = both(workshop, TARGETS, Retry("--profile other", files=profiles))
    assert upstream.invocation.exit_code == 1  # ran with the recorded profile without a word
    assert effective(upstream, "profile") is None
    assert ours.invocation.exit_code == 2
    assert "ran with the profile 'shop'" in ours.invocation.output
    assert ours.invocation.started == frozenset()


def test_row_12_fail_fast_can_be_turned_off(workshop: Workshop) -> None:
    project = InlineProject(
        files={
            "models/a.sql": FAILS_AT_FIRST,
            "models/b.sql": "{{ config(materialized='table') }} select * from raw.nowhere",
        },
        first=("run --fail-fast --threads 1",),
    )
    upstream, ours = both(workshop, project, Retry("--no-fail-fast"))
    assert effective(upstream, "fail_fast") is True
    assert effective(ours, "fail_fast") is not True
    assert set(ours.statuses.values()) == {"error"}


def test_row_12_an_option_that_the_command_has_not_is_refused(workshop: Workshop) -> None:
    project = InlineProject(
        files={"models/a.sql": "select 1 as id", "tests/t.sql": "select * from raw.orders"}, first=("run", "test")
    )
    upstream, ours = both(workshop, project, Retry("--full-refresh", sql=PUT_RIGHT))
    assert upstream.invocation.exit_code == 1  # accepted and ignored
    assert ours.invocation.exit_code == 2
    assert "`dbt test`, the command to retry, has no option --full-refresh" in ours.invocation.output


VARS = InlineProject(
    files={
        "models/late.sql": "{{ config(materialized='table') }} select '{{ var('kept') }}' as kept, * from raw.{{ var('name') }}"
    },
    raw=PUT_RIGHT,
    first=("run --vars '{kept: k, name: nowhere}'",),
)


def test_row_13_vars_are_merged(workshop: Workshop) -> None:
    upstream, ours = both(workshop, VARS, Retry("--vars 'name: orders'"))
    assert upstream.invocation.exit_code == 1  # the var that was not repeated is gone
    assert ours.statuses == {"late": "success"}
    assert effective(ours, "vars") == {"kept": "k", "name": "orders"}


def test_row_13_vars_can_be_replaced(workshop: Workshop) -> None:
    prepared = workshop.prepare(VARS)
    workshop.restore(prepared)
    ours = workshop.run(VARS, Retry("--vars 'name: orders' --vars-replace"), "retry-plus")
    assert ours.invocation.exit_code == 1
    assert "Required var 'kept' not found" in ours.invocation.output


WARNS = InlineProject(
    files={
        "models/a.sql": "select 1 as id",
        "tests/warns.sql": "{{ config(severity='warn') }} select 1 as id",
    },
    first=("build --warn-error",),
)


def test_row_17_warn_error_is_inherited(workshop: Workshop) -> None:
    upstream, ours = both(workshop, WARNS, Retry())
    assert upstream.invocation.exit_code == 0  # the warning that made the build fail passes now
    assert ours.invocation.exit_code == 1
    assert ours.statuses == {"warns": "fail"}


def test_row_17_warn_error_can_be_overridden(workshop: Workshop) -> None:
    prepared = workshop.prepare(WARNS)
    workshop.restore(prepared)
    ours = workshop.run(WARNS, Retry("--warn-error-options '{\"error\": []}'"), "retry-plus")
    assert ours.invocation.exit_code == 0
    assert ours.statuses == {"warns": "warn"}


def test_row_18_warn_error_replaces_recorded_options(workshop: Workshop) -> None:
    project = InlineProject(
        files={**WARNS.files, "models/late.sql": FAILS_AT_FIRST},
        first=('build --warn-error-options \'{"error": ["NoNodesForSelectionCriteria"]}\'',),
    )
    upstream, ours = both(workshop, project, Retry("--warn-error", sql=PUT_RIGHT))
    assert upstream.invocation.exit_code == 2
    assert "not allowed with argument" in upstream.invocation.output
    assert ours.statuses == {"late": "success", "warns": "fail"}


def test_row_19_no_state_leaks_into_the_next_retry(workshop: Workshop) -> None:
    """A `--warn-error` retry in one process, then a plain one: what only warned is not run again."""
    project = InlineProject(files={**WARNS.files, "models/late.sql": FAILS_AT_FIRST}, first=("build",))
    comparison = workshop.compare_calls(
        project, Retry(), RunnerCall(["retry", "--warn-error"]), RunnerCall(["build"]), RunnerCall(["retry"])
    )
    again_upstream = {row["unique_id"] for row in comparison.upstream.invocation.outcomes[2].results or ()}
    again_ours = {row["unique_id"] for row in comparison.ours.invocation.outcomes[2].results or ()}
    assert again_upstream == {"model.shop.late", "test.shop.warns"}
    assert again_ours == {"model.shop.late"}


AWKWARD = {
    "null": None,
    "newline": "one\ntwo",
    "backslash": "C:\\temp\\new",
    "both_quotes": 'it\'s "quoted"',
    "nested": {"list": [1, None, "x: y"]},
    "unicode": "naïve 🦆",
}


@pytest.mark.parametrize("name", sorted(AWKWARD))
def test_row_30_operation_arguments_come_back_as_they_were(workshop: Workshop, name: str) -> None:
    value = {name: AWKWARD[name]}
    project = InlineProject(
        files={
            "macros/op.sql": "{% macro op(value) %}{{ print('VALUE=' ~ tojson(value)) }}"
            "{% do run_query('select * from raw.orders') %}{% endmacro %}"
        },
        first=("run-operation op --args " + shlex.quote(json.dumps({"value": value}, ensure_ascii=False)),),
    )
    prepared = workshop.prepare(project)
    assert prepared.first[0].exit_code == 1
    workshop.restore(prepared)
    ours = workshop.run(project, Retry(sql=PUT_RIGHT), "retry-plus")
    assert ours.invocation.exit_code == 0, ours.invocation.output
    assert _printed(ours) == _printed_text(prepared.first[0].stdout)
    assert json.loads(_printed(ours)) == value


@pytest.mark.parametrize("name", ["null", "newline", "backslash", "both_quotes"])
def test_row_30_upstream_changes_them(workshop: Workshop, name: str) -> None:
    project = InlineProject(
        files={
            "models/late.sql": FAILS_AT_FIRST + " where '{{ tojson(var('value')) | replace(\"'\", '') }}' is not null"
        },
        first=("run --vars " + shlex.quote(json.dumps({"value": AWKWARD[name]})),),
    )
    upstream, ours = both(workshop, project, Retry(sql=PUT_RIGHT))
    recorded = {"value": AWKWARD[name]}
    assert upstream.run_results is None or effective(upstream, "vars") != recorded or upstream.invocation.exit_code == 2
    assert effective(ours, "vars") == recorded
    assert ours.statuses == {"late": "success"}


def _printed(observation: Observation) -> str:
    return _printed_text(observation.invocation.stdout)


def _printed_text(stdout: str) -> str:
    return next(line.split("VALUE=", 1)[1] for line in stdout.splitlines() if "VALUE=" in line)
