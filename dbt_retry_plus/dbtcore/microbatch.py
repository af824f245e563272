"""Handing what is already done inside a node to dbt: batches of a model, overloads of a function."""

from __future__ import annotations

from typing import Any

from dbt.task.runnable import GraphRunnableTask

from dbt_retry_plus.types import Chain, Outcome, Plan


def carry_batches(task: GraphRunnableTask, chain: Chain, plan: Plan) -> None:
    """Tell a task which batches and overloads of the retry set failed, and what time batches count from.

    A task of a dbt-core version without the notion is left alone: `run` takes batches since 1.9, `build`
    since 1.10.20, 1.11.7 and 1.12.0, functions have overloads since 1.12.

    Args:
        task: The task that will run.
        chain: What was recorded.
        plan: The retry set.
    """
    outcomes = [chain.outcomes[unique_id] for unique_id in plan.nodes if unique_id in chain.outcomes]
    if hasattr(task, "batch_map"):
        task.batch_map = _batch_map(outcomes)
    if hasattr(task, "original_invocation_started_at"):
        task.original_invocation_started_at = chain.original.started_at
    if hasattr(task, "overload_map"):
        task.overload_map = _overload_map(outcomes)


def _batch_map(outcomes: list[Outcome]) -> dict[str, Any]:
    from dbt.artifacts.schemas.batch_results import BatchResults

    # With no batch done dbt must decide afresh between incremental and full refresh, as upstream notes.
    return {
        outcome.unique_id: BatchResults.from_dict(dict(outcome.batch_results))
        for outcome in outcomes
        if outcome.batch_results and outcome.batch_results.get("successful") and outcome.batch_results.get("failed")
    }


def _overload_map(outcomes: list[Outcome]) -> dict[str, Any]:
    from dbt.artifacts.schemas.overload_results import OverloadResults

    return {
        outcome.unique_id: OverloadResults.from_dict(dict(outcome.overload_results))
        for outcome in outcomes
        if outcome.overload_results and outcome.overload_results.get("failed")
    }
