"""A warehouse that cannot be worked with before the first node: its error passes, and the command goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.differential import Retry
from tests.support.dying import holding
from tests.support.faults import QUICK
from tests.support.inline_projects import InlineProject, Workshop
from tests.support.invocations import Invocation

LETS_GO = """
    import os, signal
    from pathlib import Path
    from dbt_retry_plus.hookspecs import hookimpl

    HOLDER = Path(__file__).with_name("holder")

    @hookimpl
    def retry_plus_classify(error):
        if HOLDER.exists() and error.attempt == 2:
            os.kill(int(HOLDER.read_text()), signal.SIGKILL)
            HOLDER.unlink()
        return []
"""
PROJECT = InlineProject(
    files={
        "models/first.sql": "{{ config(materialized='table') }} select 1 as id",
        "models/late.sql": "select * from {{ ref('first') }}, raw.late",
        "dbt_retry_plus.yml": "hooks: hooks.py",
        "hooks.py": LETS_GO,
    },
)
ARRIVES = Retry(sql=["create schema raw", "create table raw.late as select 1 as x"])


@contextmanager
def locked(shop: Workshop) -> Iterator[None]:
    """Another process has the warehouse open; the project's hook ends it at the second error."""
    file = shop.dbt(PROJECT).folder.parents[1] / "warehouse.duckdb"
    with holding("import duckdb; held = duckdb.connect(sys.argv[1])", file) as process:
        (shop.stage / "project/holder").write_text(str(process.pid))
        yield


@pytest.fixture
def shop(workshop: Workshop) -> Workshop:
    workshop.restore(workshop.prepare(PROJECT))
    workshop.put_right(ARRIVES)
    return workshop


def run(shop: Workshop, *words: str) -> Invocation:
    with locked(shop):
        return shop.dbt(PROJECT, Retry(cold=True))(*words)


@pytest.mark.parametrize("words", [("retry-plus", *QUICK), ("retry-plus", "exec", *QUICK, "--", "build")])
def test_it_is_tried_again_before_the_first_node(shop: Workshop, words: tuple[str, ...]) -> None:
    done = run(shop, *words)
    assert done.exit_code == 0, done.output
    assert "No node could begin on attempt 1 of 3 (transient); it is tried again in 0.1 s" in done.stdout
    assert "No node could begin on attempt 2 of 3" in done.stdout
    assert "Nothing to retry" in shop.dbt(PROJECT)("retry-plus").stdout


def test_without_attempts_the_first_error_ends_it_and_nothing_counts_as_proven(shop: Workshop) -> None:
    with locked(shop):
        done = shop.dbt(PROJECT, Retry(cold=True))("retry-plus")
    assert done.exit_code != 0
    assert "Could not set lock" in done.output
    assert "No node could begin" not in done.stdout
    assert shop.dbt(PROJECT)("retry-plus").started == {"model.shop.late"}


def test_ctrl_c_ends_the_waiting(shop: Workshop) -> None:
    folder = shop.dbt(PROJECT).folder
    (folder / "hooks.py").write_text(
        "import os, signal\n"
        "from dbt_retry_plus.hookspecs import hookimpl\n\n"
        "@hookimpl\n"
        "def retry_plus_classify(error):\n"
        "    signal.setitimer(signal.ITIMER_REAL, 0.2)\n"
        "    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))\n"
        "    return []\n"
    )
    done = run(shop, "retry-plus", "--attempts", "3", "--delay", "60s", "--max-delay", "60s")
    assert done.exit_code != 0
    assert "No node could begin on attempt 1 of 3" in done.stdout
    assert "on attempt 2" not in done.stdout
    assert shop.dbt(PROJECT)("retry-plus").exit_code == 0
