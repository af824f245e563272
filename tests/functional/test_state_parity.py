"""Commands that select by, defer to or clone from the state of another run are retried with that same state."""

from __future__ import annotations

from typing import Any

from tests.functional.shop import ORDERS_ARRIVED, SHOP
from tests.support.differential import Retry
from tests.support.inline_projects import InlineProject, Workshop

IN_PRODUCTION = "var('place', 'development') == 'production'"
LATE_ARRIVES = ("create schema raw", "create table raw.late as select 21 as id")


def beside_production(files: dict[str, str], *first: str, **changes: Any) -> InlineProject:
    """A project that stands in production, in a schema of its own, with its state in the folder `production`."""
    return InlineProject(
        files=files,
        settings={"models": {"shop": {"+schema": f"{{{{ 'production' if {IN_PRODUCTION} else 'mine' }}}}"}}},
        first=("run --exclude late --vars 'place: production' --target-path production", *first),
        **changes,
    )


def test_what_is_not_built_here_is_read_from_production(workshop: Workshop) -> None:
    project = beside_production(
        {
            "models/parent.sql": "{{ config(materialized='table') }} select 1 as n",
            "models/late.sql": "{{ config(materialized='table') }} select n, id from {{ ref('parent') }}, raw.late",
        },
        "run --select late --defer --state production",
    )

    comparison = workshop.compare(project, Retry(sql=LATE_ARRIVES))

    comparison.assert_parity(executes={"late": "success"})
    assert comparison.ours.relations["main_mine.late"].rows == "(1, 21)"


def test_clone(workshop: Workshop) -> None:
    project = beside_production(
        {
            "models/sound.sql": "{{ config(materialized='table') }} select 1 as n",
            "models/hooked.sql": f"""
                {{{{ config(materialized='table', pre_hook="{{{{ '' if {IN_PRODUCTION} else 'select * from raw.late' }}}}") }}}}
                select 2 as n
            """,
        },
        "clone --state production",
    )
    assert workshop.prepare(project).first[-1].exit_code == 1

    comparison = workshop.compare(project, Retry(sql=LATE_ARRIVES))

    comparison.assert_parity(executes={"hooked": "success"})
    assert comparison.ours.relations["main_mine.hooked"].rows == "(2,)"


def test_nodes_selected_by_what_became_of_them_earlier(workshop: Workshop) -> None:
    project = SHOP.after("run --target-path earlier", "run --select result:error+1 --state earlier")

    comparison = workshop.compare(project, ORDERS_ARRIVED)

    comparison.assert_parity(executes={"stg_orders": "success"})
