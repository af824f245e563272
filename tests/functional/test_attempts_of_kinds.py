"""What is not a plain model gets attempts too: seeds, unit tests, functions, batches, operations."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.conftest import ProjectFactory
from tests.faults.scene import failed_attempts, journals, lines_of
from tests.support.faults import QUICK, SERIALIZATION_FAILURE, SYNTAX_ERROR, calls, plan_fault, prepare_faults
from tests.support.invocations import dbt_version
from tests.support.projects import DbtProject

pytestmark = [pytest.mark.postgres, pytest.mark.every_minor]  # the kinds differ from one minor to the next
DAYS = ("--event-time-start", "2026-01-01", "--event-time-end", "2026-01-05")
OFTEN = 100

SEED_HOOK = """
seeds:
  +post-hook: "select control.fault('places')"
"""
UNIT_TEST = """
unit_tests:
  - name: names_are_seen
    model: seen
    given: [{input: ref('hooked'), rows: [{id: 1, name: x}]}]
    overrides: {macros: {asked: "(select control.fault('unit'))"}}
    expect: {rows: [{id: 1, name: x}]}
"""
ASKED = "{% macro asked() %}0{% endmacro %}"
DAILY = """
{{ config(materialized='incremental', incremental_strategy='microbatch', unique_key='id', event_time='happened_at',
          batch_size='day', begin='2026-01-01') }}
select id, happened_at, control.fault('daily') as fault from {{ ref('happened') }}
"""
HAPPENED = """
{{ config(event_time='happened_at') }}
select n as id, timestamp '2025-12-31 12:00' + n * interval '1 day' as happened_at from generate_series(1, 4) as n
"""
FUNCTION = """
functions:
  - name: plus_one
    arguments: [{name: a, data_type: int}]
    returns: {data_type: int}
"""
# Asks as the models do, when a function is made.
TRIGGER = (
    "create function control.on_function() returns event_trigger language plpgsql as "
    "$$ begin perform control.fault('plus_one'); end $$",
    "create event trigger on_function on ddl_command_start when tag in ('CREATE FUNCTION') "
    "execute function control.on_function()",
)


@pytest.fixture
def faults(new_project: ProjectFactory) -> DbtProject:
    project = new_project("faults", "postgres")
    prepare_faults(project)
    return project


def write(project: DbtProject, **files: str) -> None:
    for path, text in files.items():
        file = project.folder / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text.strip() + "\n")


def attempts_of_newest(project: DbtProject) -> Counter[str]:
    """How many attempts of each node failed, by its name."""
    newest = max(journals(project.folder), key=lambda journal: lines_of(journal)[0]["started_at"])
    return Counter(line["node"] for line in failed_attempts(lines_of(newest)))


def test_seeds_unit_tests_functions_and_batches_are_healed(faults: DbtProject) -> None:
    nodes, batched, functions = ["places", "unit"], dbt_version() >= (1, 9), dbt_version() >= (1, 11)
    files = {"models/unit.yml": UNIT_TEST, "macros/asked.sql": ASKED}
    (faults.folder / "dbt_project.yml").write_text((faults.folder / "dbt_project.yml").read_text() + SEED_HOOK)
    faults.edit("models/seen.sql", "select id, name from", "select id, name, {{ asked() }} as asked from")
    if batched:
        nodes.append("daily")
        files |= {"models/daily.sql": DAILY, "models/happened.sql": HAPPENED}
    if functions:
        nodes.append("plus_one")
        files |= {"functions/plus_one.sql": "select a + 1", "functions/functions.yml": FUNCTION}
        for statement in TRIGGER:
            faults.execute(statement)
    write(faults, **files)
    for node in nodes:
        plan_fault(faults, node, SYNTAX_ERROR, OFTEN)
    faults.dbt("build", *(DAYS if batched else ()), exit_code=1)
    for node in nodes:
        plan_fault(faults, node, SERIALIZATION_FAILURE)

    done = faults.dbt("retry-plus", *QUICK, exit_code=0)

    failed = attempts_of_newest(faults)
    assert failed.pop("seed.faults.places") == 1
    assert failed.pop("unit_test.faults.seen.names_are_seen") == 1
    if batched:
        assert failed.pop("model.faults.daily") == 1
        assert faults.fetch("select id from faults.daily order by id") == [(1,), (2,), (3,), (4,)]
        assert calls(faults, "daily") == 5, "each batch once, and one of them twice"
    if functions:
        assert failed.pop("function.faults.plus_one") == 1
        assert faults.fetch("select faults.plus_one(1)") == [(2,)]
    assert not failed, done.stdout
    assert faults.fetch("select count(*) from faults.places") == [(2,)]
    assert set(faults.statuses().values()) == {"success", "pass"}


def test_a_view_over_a_table_whose_rebuild_is_rolled_back_stays(faults: DbtProject) -> None:
    faults.dbt("build", exit_code=0)
    before = faults.fetch("select * from faults.seen order by 1")
    plan_fault(faults, "hooked", SYNTAX_ERROR, OFTEN)
    faults.dbt("run", "--select", "hooked", exit_code=1)
    plan_fault(faults, "hooked", SERIALIZATION_FAILURE, OFTEN)

    faults.dbt("retry-plus", *QUICK, exit_code=1)

    assert calls(faults, "hooked") == 3
    assert before
    assert faults.fetch("select * from faults.seen order by 1") == before


@pytest.mark.parametrize(
    ("settings", "exit_code", "executions"), [("", 1, 1), ("idempotent_operations: [operate]", 0, 2)]
)
def test_an_operation_is_tried_again_where_that_does_no_harm(
    faults: DbtProject, settings: str, exit_code: int, executions: int
) -> None:
    write(faults, **{"dbt_retry_plus.yml": settings})
    plan_fault(faults, "operate", SYNTAX_ERROR)
    faults.dbt("run-operation", "operate", exit_code=1)
    plan_fault(faults, "operate", SERIALIZATION_FAILURE)

    faults.dbt("retry-plus", *QUICK, exit_code=exit_code)

    assert calls(faults, "operate") == executions
