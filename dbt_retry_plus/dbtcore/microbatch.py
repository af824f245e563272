"""Handing what is already done inside a node to dbt: batches of a model, overloads of a function."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any

from dbt.artifacts.schemas.results import RunStatus
from dbt.task.base import BaseRunner
from dbt.task.runnable import GraphRunnableTask

from dbt_retry_plus.types import Chain, Outcome, Plan


def carry_batches(task: GraphRunnableTask, chain: Chain, plan: Plan, afresh: AbstractSet[str]) -> None:
    """Tell a task which batches and overloads of the retry set are left, and what time batches count from.

    A task of a dbt-core version without the notion is left alone: `run` takes batches since 1.9, `build`
    since 1.10.20, 1.11.7 and 1.12.0, functions have overloads since 1.12.

    Args:
        task: The task that will run.
        chain: What was recorded.
        plan: The retry set.
        afresh: Nodes of which no part counts as done, since their code is another one now.
    """
    nodes = (unique_id for unique_id in plan.nodes if unique_id in chain.outcomes and unique_id not in afresh)
    outcomes = [chain.outcomes[unique_id] for unique_id in nodes]
    task.chain_started_at = chain.original.started_at
    if hasattr(task, "original_invocation_started_at"):  # since dbt-core 1.10
        task.original_invocation_started_at = chain.original.started_at
    if hasattr(task, "batch_map"):
        task.batch_map = dict(_batches_left(task, outcomes))
    if hasattr(task, "overload_map"):
        task.overload_map = _overload_map(outcomes)


class PriorBatchesCount(BaseRunner):
    """Mixed in before dbt's runner of a microbatch model, which has its own time and its earlier batches.

    Upstream judges by the batches of the retry alone, and adds the others afterwards.
    """

    def get_microbatch_builder(self, model: Any) -> Any:
        """Divide the model up to the time of the chain's first invocation, on dbt-core 1.9 too."""
        builder = super().get_microbatch_builder(model)
        started_at = self.parent_task.chain_started_at
        if started_at is not None:
            builder.default_end_time = started_at
        return builder

    def merge_batch_results(self, result: Any, batch_results: list[Any]) -> None:
        """Merge results of batches into that of the model, as dbt does, and judge by all of them."""
        super().merge_batch_results(result, batch_results)
        if self.node.previous_batch_results is None:
            return
        done = result.batch_results
        done.successful = sorted(set(done.successful))
        if done.successful and done.failed:
            result.status = RunStatus.PartialSuccess
            result.message = f"PARTIAL SUCCESS ({len(done.successful)}/{len(done.successful) + len(done.failed)})"


def counting_prior_batches(runner_type: Any) -> Any:
    """Return a runner class with `PriorBatchesCount` mixed in, if it is one of microbatch models."""
    if not hasattr(runner_type, "merge_batch_results"):
        return runner_type
    return type(runner_type.__name__, (PriorBatchesCount, runner_type), {})


def _batches_left(task: GraphRunnableTask, outcomes: Iterable[Outcome]) -> Iterator[tuple[str, Any]]:
    for outcome in outcomes:
        results = _recorded_batches(outcome)
        if outcome.finished_batches:
            results = _interrupted_batches(task, outcome, results)
        # With no batch done dbt must decide afresh between incremental and full refresh, as upstream notes.
        if results is not None and results.successful and results.failed:
            yield outcome.unique_id, results


def _recorded_batches(outcome: Outcome) -> Any:
    from dbt.artifacts.schemas.batch_results import BatchResults

    return BatchResults.from_dict(dict(outcome.batch_results)) if outcome.batch_results else None


def _interrupted_batches(task: GraphRunnableTask, outcome: Outcome, before: Any) -> Any:
    """What is done and what is left of a model that was interrupted between two batches.

    The journal has a line for each batch that ended, in the words of dbt's log. None where they are not those of
    exactly one of the ways in which dbt divides the model: then all of it runs.
    """
    from dbt.artifacts.schemas.batch_results import BatchResults

    node = task.manifest.nodes.get(outcome.unique_id)
    if node is None:
        return None
    divisions = [before.failed] if before is not None else _divisions(task, node)
    fitting = []
    for batches in divisions:
        finished = [batch for batch in batches if _named(batch, node) in outcome.finished_batches]
        if len(finished) == len(outcome.finished_batches) and len(batches) == outcome.batches_announced:
            left = [batch for batch in batches if batch not in finished]
            fitting.append((finished, left))
    if not fitting or any(division != fitting[0] for division in fitting):
        return None
    finished, left = fitting[0]
    return BatchResults(successful=[*(before.successful if before is not None else []), *finished], failed=left)


def _divisions(task: GraphRunnableTask, node: Any) -> Iterator[list[Any]]:
    from dbt.materializations.incremental.microbatch import MicrobatchBuilder

    arguments = task.config.args
    start, end = getattr(arguments, "EVENT_TIME_START", None), getattr(arguments, "EVENT_TIME_END", None)
    sample = getattr(arguments, "SAMPLE", None)
    if sample is not None:
        start, end = sample.start, sample.end
    for is_incremental in (False, True):
        builder = MicrobatchBuilder(
            model=node,
            is_incremental=is_incremental,
            event_time_start=start,
            event_time_end=end,
            default_end_time=task.chain_started_at,
        )
        last = builder.build_end_time()
        yield builder.build_batches(builder.build_start_time(last), last)


def _named(batch: Any, node: Any) -> str:
    """The start of a batch as dbt's log names it."""
    from dbt.materializations.incremental.microbatch import MicrobatchBuilder

    return str(MicrobatchBuilder.format_batch_start(batch[0], node.config.batch_size))


def _overload_map(outcomes: list[Outcome]) -> dict[str, Any]:
    from dbt.artifacts.schemas.overload_results import OverloadResults

    return {
        outcome.unique_id: OverloadResults.from_dict(dict(outcome.overload_results))
        for outcome in outcomes
        if outcome.overload_results and outcome.overload_results.get("failed")
    }
