"""Whatever goes wrong with attempts themselves, in a thread of dbt's pool, dbt does not wait for ever for the node."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.faults import QUICK
from tests.support.inline_projects import InlineProject, Workshop

PROJECT = InlineProject(
    files={
        "models/first.sql": "{{ config(materialized='table') }} select 1 as id",
        "models/late.sql": "{{ config(materialized='table') }} select * from {{ ref('first') }}, raw.late",
        "models/below.sql": "select * from {{ ref('late') }}",
        "dbt_retry_plus.yml": "retry_on: any",
    },
    settings={"flags": {"send_anonymous_usage_stats": False}},
)
_RUN = """
import sys
from dbt_retry_plus.dbtcore import attempts

copies = 0
copy = attempts.deepcopy

def broken(node):
    global copies
    copies += 1
    if copies >= {copies}:
        raise RecursionError("too deep")
    return copy(node)

attempts.deepcopy = broken
from dbt.cli.main import cli
cli()
"""


@pytest.mark.parametrize(
    ("copies", "said"),
    [
        (1, "dbt-retry-plus cannot attend to model.shop.late: RecursionError: too deep"),
        (2, "dbt-retry-plus cannot try again: RecursionError: too deep"),
    ],
)
def test_the_node_has_its_one_attempt_and_the_command_ends(workshop: Workshop, copies: int, said: str) -> None:
    workshop.restore(workshop.prepare(PROJECT))
    dbt = workshop.dbt(PROJECT)
    done = subprocess.run(
        [sys.executable, "-c", _RUN.format(copies=copies), "retry-plus", *QUICK],
        cwd=dbt.folder,
        env=dict(dbt.environment),
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert said in done.stdout
    assert "ERROR=1 SKIP=1" in done.stdout
    assert dbt("retry-plus", "--dry-run").exit_code == 0
