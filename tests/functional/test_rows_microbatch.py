"""Rows 27 and 28 of the table, and microbatch models that were interrupted: batches that are done stay done."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from dbt_retry_plus.ledger.journal import JournalWriter, encode, read_entries
from tests.crash.campaign import PLUGIN
from tests.support.differential import Retry
from tests.support.inline_projects import InlineProject, Workshop
from tests.support.invocations import dbt_version

pytestmark = pytest.mark.skipif(dbt_version() < (1, 9), reason="microbatch models came with dbt-core 1.9")

EVENTS = "{{ config(materialized='table', event_time='happened_at') }} select * from raw.events"
DAILY = """
    {{ config(materialized='incremental', incremental_strategy='microbatch', event_time='happened_at',
              batch_size='day', begin='2026-01-01') }}
    select id, happened_at, cast(amount as integer) as amount from {{ ref('events') }}
"""
FOUR_DAYS = (
    "create schema raw",
    "create table raw.events as select 1 as id, timestamp '2026-01-01' as happened_at, '5' as amount "
    "union all select 2, timestamp '2026-01-02', 'many' union all select 3, timestamp '2026-01-03', '7' "
    "union all select 4, timestamp '2026-01-04', 'more'",
)
RUN = "run --event-time-start 2026-01-01 --event-time-end 2026-01-05 --threads 2"
PROJECT = InlineProject({"models/events.sql": EVENTS, "models/daily.sql": DAILY}, FOUR_DAYS, first=(RUN,))


def mended(*ids: int) -> list[str]:
    return [f"update main.events set amount = '6' where id = {number}" for number in ids]


def test_row_28_batches_that_were_done_before_count(workshop: Workshop) -> None:
    comparison = workshop.compare(PROJECT, Retry())
    assert comparison.upstream.statuses == {"daily": "error"}
    assert comparison.ours.statuses == {"daily": "partial success"}

    first, second = workshop.compare_chain(PROJECT, Retry(sql=mended(2)), Retry(sql=mended(4)))
    assert first.ours.statuses == {"daily": "partial success"}
    assert "PARTIAL SUCCESS (3/4)" in first.ours.invocation.output
    assert second.ours.statuses == {"daily": "success"}
    assert second.ours.relations["main.daily"].row_count == 4


def began_days_ago(target: Path, days: int) -> None:
    """Let the only invocation on the ledger have begun some days ago."""
    journal = next(target.glob("retry_plus/invocations/*/journal.jsonl"))
    header, *others = read_entries(journal)
    journal.unlink()
    (journal.parent / "summary.json").unlink()
    results = target / "run_results.json"
    results.unlink()  # dbt's own account of the same invocation
    (journal.parent / results.name).unlink()
    moment = datetime.now(timezone.utc) - timedelta(days=days)
    writer = JournalWriter(journal)
    for entry in ({**header, "started_at": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}, *others):
        writer.append(encode(entry))
    writer.close()


def test_row_27_the_time_of_the_first_invocation_is_carried(workshop: Workshop) -> None:
    """A model that reaches up to now, run two days ago and retried today, twice: no batch of today is run."""
    begin = (datetime.now(timezone.utc) - timedelta(days=4)).date().isoformat()
    failing = DAILY.replace("2026-01-01", begin).replace("ref('events')", "source('raw', 'late')")
    files = {
        "models/daily.sql": failing,
        "models/raw.yml": "{sources: [{name: raw, tables: [{name: late, config: {event_time: happened_at}}]}]}",
    }
    project = InlineProject(files, FOUR_DAYS, first=("run --threads 2",))
    workshop.restore(workshop.prepare(project))
    began_days_ago(workshop.stage / "project" / "target", 2)

    for _ in range(2):
        ours = workshop.run(project, Retry(), "retry-plus")
        assert ours.statuses == {"daily": "error"}
        batches = {event.data["total_batches"] for event in ours.invocation.events if event.name == "LogStartBatch"}
        assert batches == {3}


def test_changed_code_makes_every_batch_run_again(workshop: Workshop) -> None:
    doubled = DAILY.replace("cast(amount as integer) as amount", "2 * cast(amount as integer) as amount")
    workshop.restore(workshop.prepare(PROJECT))

    ours = workshop.run(PROJECT, Retry(sql=mended(2, 4), files={"models/daily.sql": doubled}), "retry-plus")

    assert ours.statuses == {"daily": "success"}
    assert "4 of 4" in ours.invocation.output or "batch 2026-01-03" in ours.invocation.output
    assert "14" in str(ours.relations["main.daily"].rows), "the batch of day 3, which had succeeded, was built anew"


@pytest.mark.parametrize("signal", ["SIGKILL", "SIGINT"])
def test_batches_that_ended_before_a_kill_are_not_run_again(workshop: Workshop, signal: str) -> None:
    sound = [*FOUR_DAYS, "update raw.events set amount = '6'"]
    crash = {"CRASH_AT": f"LogBatchResult:3:0:{signal}", "PYTHONPATH": str(PLUGIN)}
    project = InlineProject(PROJECT.files, sound, first=("parse",))
    workshop.restore(workshop.prepare(project))
    killed = workshop.dbt(project, Retry(environment=crash, cold=True))(*RUN.split())
    assert killed.exit_code != 0

    ours = workshop.run(project, Retry(), "retry-plus")

    assert ours.invocation.exit_code == 0
    batches = [event.message for event in ours.invocation.events if event.name == "LogStartBatch"]
    assert not any("2026-01-01" in batch for batch in batches)
    if signal == "SIGKILL":  # after Ctrl-C, dbt lets batches that it has begun come to their end
        assert any("2026-01-04" in batch for batch in batches)
    assert ours.relations["main.daily"].row_count == 4
