"""From what was retried and what became of it to the account of the retry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from dbt_retry_plus.commands import RUN_OPERATION
from dbt_retry_plus.planning.chain import all_outcomes
from dbt_retry_plus.reporting.nodes import NEVER_RUN, last_attempt, parents_of, unproven_verdict, with_attempts
from dbt_retry_plus.reporting.plan import proven_nodes
from dbt_retry_plus.types import (
    Chain,
    EffectiveArguments,
    Finding,
    Graph,
    Invocation,
    Outcome,
    Plan,
    PlannedNode,
    ReportedLink,
    ReportedNode,
    RetryReport,
)
from dbt_retry_plus.words import INTERRUPTED, NOT_STARTED, Fate, Reason, Verdict

_NO_PATHS: Mapping[str, str] = {}
_NO_GRAPH: Graph = {}


def make_report(
    chain: Chain,
    arguments: EffectiveArguments,
    plan: Plan,
    findings: Sequence[Finding],
    after: Invocation,
    *,
    graph: Graph = _NO_GRAPH,
    compiled_paths: Mapping[str, str] = _NO_PATHS,
    refusal: str | None = None,
) -> RetryReport:
    """Make the report of a retry.

    Args:
        chain: What was retried, as it stood before.
        arguments: What the retry ran with.
        plan: What was to run.
        findings: What the checks said.
        after: The retry's own invocation, with what became of its nodes.
        graph: Today's project, for what nodes read of each other.
        compiled_paths: Where the compiled SQL of nodes is, from the project folder.
        refusal: Why nothing was run, if that is so.
    """
    outcomes = {} if refusal is not None else _under_planned_name(all_outcomes(after), plan, after.command)
    planned = {**plan.nodes, **{hook.unique_id: hook for hook in plan.hooks}}
    ran_too = [u for u, outcome in outcomes.items() if u not in planned and not outcome.ephemeral]
    proven = [outcome.unique_id for outcome in proven_nodes(chain, plan)]
    named = dict.fromkeys([*planned, *ran_too, *sorted(plan.left_out), *proven])
    nodes = tuple(
        _node(
            unique_id,
            chain.outcomes.get(unique_id),
            outcomes.get(unique_id),
            planned.get(unique_id),
            plan.left_out,
            parents_of(unique_id, graph, named.keys()) if unique_id in planned else (),
            compiled_paths.get(unique_id),
        )
        for unique_id in named
    )
    if after.failed_attempts:
        nodes = tuple(with_attempts(node, after.failed_attempts.get(node.unique_id, ())) for node in nodes)
    return RetryReport(
        verdict=_verdict(plan, after, refusal, nodes),
        invocation_id=after.invocation_id,
        chain=tuple(
            ReportedLink(link.invocation_id, link.started_at, link.duration, _succeeded(link))
            for link in chain.invocations
        ),
        arguments=arguments,
        message=refusal if refusal is not None else after.error,
        findings=tuple(findings),
        nodes=nodes,
        started_at=after.started_at,
        duration=after.duration,
        seconds_saved=sum(node.previous_execution_time for node in nodes if node.fate is Fate.PROVEN_BEFORE),
        dbt_version=after.dbt_version,
        project=after.project,
        profile=after.profile,
        target=after.target,
    )


def _under_planned_name(outcomes: Mapping[str, Outcome], plan: Plan, command: str) -> Mapping[str, Outcome]:
    """The outcome of a run-operation by the name of the macro, where nothing but that was known before."""
    if command != RUN_OPERATION or len(plan.nodes) != 1 or len(outcomes) != 1 or plan.nodes.keys() == outcomes.keys():
        return outcomes
    ((unique_id, outcome),) = outcomes.items()
    (planned,) = plan.nodes
    same = unique_id.rpartition(".")[2] == planned.rpartition(".")[2]
    return {planned: replace(outcome, unique_id=planned)} if same else outcomes


def _succeeded(link: Invocation) -> bool | None:
    if link.succeeded is not None or not link.ended:
        return link.succeeded
    return None if all(outcome.proven for outcome in link.outcomes.values()) else False


def _verdict(plan: Plan, after: Invocation, refusal: str | None, nodes: Iterable[ReportedNode]) -> Verdict:
    """Never a green word where a node is unproven, or where dbt did not come to say that all went well."""
    if refusal is not None:
        return Verdict.REFUSED
    unproven = unproven_verdict(after, nodes)
    if unproven is not None:
        return unproven
    if plan.left_out:
        return Verdict.INCOMPLETE
    if after.succeeded is not True:
        return Verdict.STILL_FAILING
    return Verdict.NOTHING_TO_RETRY if plan.is_empty else Verdict.RECOVERED


def _node(
    unique_id: str,
    before: Outcome | None,
    after: Outcome | None,
    planned: PlannedNode | None,
    left_out: AbstractSet[str],
    parents: tuple[str, ...],
    compiled_path: str | None,
) -> ReportedNode:
    previous = planned.previous_status if planned and before is None else before.status if before else None
    was_proven = bool(before and before.proven) and not (planned and planned.reason is Reason.WARNED)
    attempts = (last_attempt(after),) if after and after.status not in NEVER_RUN else ()
    return ReportedNode(
        unique_id=unique_id,
        fate=_fate(previous, after, was_proven=was_proven, planned=bool(planned), left_out=unique_id in left_out),
        status=after.status if after else previous or NOT_STARTED,
        previous_status=previous,
        previous_message=before.message if before and not was_proven else None,
        previous_execution_time=before.execution_time if before else 0.0,
        reason=planned.reason if planned else None,
        cause=planned.cause if planned else None,
        attempts=attempts,
        parents=parents,
        compiled_path=compiled_path,
    )


def _fate(previous: str | None, after: Outcome | None, *, was_proven: bool, planned: bool, left_out: bool) -> Fate:
    if after is None and left_out:
        return Fate.LEFT_OUT
    if after is None and was_proven and not planned:
        return Fate.PROVEN_BEFORE
    if after is None or after.status in NEVER_RUN:
        return Fate.NEVER_ATTEMPTED
    if after.proven:
        return Fate.REBUILT if was_proven else Fate.RECOVERED
    if after.status == INTERRUPTED:
        return Fate.INTERRUPTED
    failed_before = previous not in {None, INTERRUPTED, *NEVER_RUN} and not was_proven
    return Fate.STILL_FAILING if failed_before else Fate.NEWLY_FAILING
