"""The account of a run of a job: one document, and a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from dbt_retry_plus.jobs.record import JobRun, StepRun, Try
from dbt_retry_plus.ledger.journal import time_text
from dbt_retry_plus.texts import counted, in_short, table
from dbt_retry_plus.words import SHORT_ID_LENGTH

SCHEMA: Final = "dbt-retry-plus/job/v1"
"""Described by `job.schema.json`."""

_STEPS = ("STEP", "STATUS", "DURATION", "INVOCATION", "NODES")


def run_document(run: JobRun, runs: Sequence[JobRun] = ()) -> dict[str, Any]:
    """Return the document of a run.

    Args:
        run: The run.
        runs: All runs, oldest first, some of which may be reruns of this one.
    """
    return {
        "schema": SCHEMA,
        "run_id": run.run_id,
        "job": run.job,
        "status": run.status.value,
        "started_at": time_text(run.started_at) if run.started_at else None,
        "duration": run.duration,
        "rerun_of": run.rerun_of,
        "rerun_from": run.beginning.value if run.rerun_of else None,
        "reruns": [later.run_id for later in runs if later.rerun_of == run.run_id],
        "host": run.host,
        "process_id": run.process_id,
        "user": run.user,
        "steps": [_step(number, step) for number, step in enumerate(run.steps, 1)],
    }


def run_lines(run: JobRun) -> Iterator[str]:
    """Say what became of the steps of a run, and of the whole."""
    yield table(_STEPS, [_row(number, step) for number, step in enumerate(run.steps, 1)])
    took = f" in {in_short(run.duration)}" if run.duration is not None else ""
    yield f"Job {run.job}, run {run.short_id}: {run.status.value}{took}"


def counts_of(step: StepRun) -> str:
    """Say what became of the nodes of the newest invocation of a step, in the words of dbt's own closing line."""
    counts = next((each.counts for each in reversed(step.tries) if each.counts), {})
    return " ".join(f"{word}={number}" for word, number in counts.items())


def _row(number: int, step: StepRun) -> tuple[str, ...]:
    tries = f" ({counted(len(step.tries), 'attempt')})" if len(step.tries) > 1 else ""
    return (
        f"{number}. {step.name}",
        step.status.value + tries,
        in_short(step.duration) if step.duration is not None else "",
        (step.invocation_id or "")[:SHORT_ID_LENGTH],
        counts_of(step),
    )


def _step(number: int, step: StepRun) -> dict[str, Any]:
    return {
        "number": number,
        "name": step.name,
        "command": step.command,
        "status": step.status.value,
        "duration": step.duration,
        "invocation_id": step.invocation_id,
        "attempts": [_try(each) for each in step.tries],
    }


def _try(each: Try) -> dict[str, Any]:
    return {
        "command": each.command,
        "status": each.status.value,
        "started_at": time_text(each.started_at) if each.started_at else None,
        "duration": each.duration,
        "exit_code": each.exit_code,
        "resumed": each.resumed,
        "invocation_id": each.invocation_id,
        "counts": dict(each.counts),
    }
