"""Many retries in one process leave nothing behind: each does what it would have done in a process of its own."""

from __future__ import annotations

from typing import Any

from tests.support.inline_projects import InlineProject, Workshop
from tests.support.invocations import RunnerCall, RunnerOutcome, dbt_version

BROKEN = "{% if var('broken', false) %} from nowhere_at_all {% endif %}"
_FRESHNESS = """
    loaded_at_field: "{{ 'no_such_column' if var('broken', false) else 'seen_at' }}",
    freshness: {warn_after: {count: 900, period: day}}
"""
# What is deprecated is said once in a process, and so differs.
FRESHNESS = _FRESHNESS if dbt_version() < (1, 10) else f"config: {{{_FRESHNESS}}}"
PROJECT = InlineProject(
    {
        "models/first.sql": "{{ config(materialized='table') }} select 1 as id",
        "models/late.sql": f"select 1 as id {BROKEN}",
        "models/below.sql": "select * from {{ ref('late') }} {# {{ selected_resources }} #}",
        "models/grown.sql": f"{{{{ config(materialized='incremental') }}}} select 1 as id {BROKEN}",
        "models/shop.yml": f"sources: [{{name: main, tables: [{{name: stamped, {FRESHNESS}}}]}}]",
        "tests/ones.sql": """
            {{ config(severity=var('severity', 'error')) }}
            select * from {{ ref('first') }} where {{ 'true' if var('broken', false) else 'false' }}
        """,
        "snapshots/kept.sql": f"""
            {{% snapshot kept %}} {{{{ config(unique_key='id', strategy='check', check_cols='all', target_schema='main') }}}}
            select 1 as id {BROKEN} {{% endsnapshot %}}
        """,
        "macros/op.sql": """
            {% macro op() %}{% if var('broken', false) %}{% do exceptions.raise_compiler_error('broken') %}{% endif %}{% endmacro %}
        """,
        "models/compiled.sql": """
            {% if execute and var('broken', false) %}{% do exceptions.raise_compiler_error('broken') %}{% endif %} select 1 as id
        """,
    },
    ("create table main.stamped as select now()::timestamp as seen_at",),
    first=("build",),
)

# Each is a command that fails, and the arguments of its retry.
PAIRS = (
    ("build", ""),
    ("run --full-refresh", ""),
    ("test", ""),
    ("build --vars '{broken: true, severity: warn}'", "--fail-fast"),
    ("build --vars '{broken: true, severity: warn}' --select first late+", "--warn-error"),
    ("snapshot", ""),
    # These two stop at the first error, and which nodes come before it is a matter of chance.
    ("compile --select compiled", ""),
    ("docs generate --select compiled", ""),
    ("run-operation op", ""),
    ("source freshness", ""),
    ("run --fail-fast --threads 1", "--no-fail-fast"),
    ("build --select late+", "--threads 2"),
    ("build --exclude kept", "--full-refresh"),
    ("run --select grown", "--full-refresh"),
    ("build --resource-type model", "--quiet"),
    ("run --empty", ""),
    ("build", "--select late"),
    ("build", "--dry-run"),
    ("run", "--no-write-json"),
    ("build", "--no-merge-results"),
)


def calls() -> list[RunnerCall]:
    made = []
    for first, retry in PAIRS:
        vars_given = [] if "--vars" in first else ["--vars", "{broken: true}"]
        words = [word for word in first.replace("'{broken: true, severity: warn}'", "@").split(" ") if word]
        made.append(RunnerCall([*("{broken: true, severity: warn}" if w == "@" else w for w in words), *vars_given]))
        made.append(RunnerCall(["retry-plus", *retry.split(), "--vars", "{broken: false}"]))
    return made


def seen(outcome: RunnerOutcome) -> dict[str, Any]:
    results = (
        outcome.results if outcome.results is None else {row["unique_id"]: row["status"] for row in outcome.results}
    )
    return {
        "success": outcome.success,
        "exception": (outcome.exception_type, outcome.exception_text),
        "result": (outcome.result_type, results),
    }


def test_twenty_retries_in_one_process_do_as_each_in_its_own(workshop: Workshop) -> None:
    prepared = workshop.prepare(PROJECT)
    workshop.restore(prepared)
    alone = [seen(workshop.dbt(PROJECT).call(call).outcomes[0]) for call in calls()]
    workshop.restore(prepared)
    together = [seen(outcome) for outcome in workshop.dbt(PROJECT).call(*calls()).outcomes]

    for call, one, other in zip(calls(), alone, together, strict=True):
        assert other == one, call.arguments
    failed = [call.arguments for call, one in zip(calls()[::2], alone[::2], strict=True) if one["success"]]
    assert failed in ([], [["run", "--empty", "--vars", "{broken: true}"]]), "these were meant to fail"
    red = [call.arguments for call, one in zip(calls()[1::2], alone[1::2], strict=True) if not one["success"]]
    assert red == [["retry-plus", "--select", "late", "--vars", "{broken: false}"]], "these left something unproven"
