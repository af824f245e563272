"""The account of a command that retried nothing: one that nodes got attempts in from the start, or any other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dbt_retry_plus.planning.chain import all_outcomes
from dbt_retry_plus.reporting.nodes import NEVER_RUN, last_attempt, parents_of, unproven_verdict, with_attempts
from dbt_retry_plus.types import EffectiveArguments, Graph, Invocation, Outcome, ReportedNode, RetryReport
from dbt_retry_plus.words import INTERRUPTED, Fate, Verdict

_NO_PATHS: Mapping[str, str] = {}


def report_of_first_run(
    invocation: Invocation, graph: Graph, compiled_paths: Mapping[str, str] = _NO_PATHS
) -> RetryReport:
    """Make the report of an invocation that retried nothing.

    Args:
        invocation: It, with what became of its nodes.
        graph: The project, for what nodes read of each other.
        compiled_paths: Where the compiled SQL of nodes is, from the project folder.
    """
    outcomes = {u: outcome for u, outcome in all_outcomes(invocation).items() if not outcome.ephemeral}
    nodes = tuple(
        with_attempts(
            ReportedNode(
                unique_id=unique_id,
                fate=_fate(outcome, recovered=bool(invocation.failed_attempts.get(unique_id))),
                status=outcome.status,
                attempts=() if outcome.status in NEVER_RUN else (last_attempt(outcome),),
                parents=parents_of(unique_id, graph, outcomes.keys()),
                compiled_path=compiled_paths.get(unique_id),
            ),
            invocation.failed_attempts.get(unique_id, ()),
        )
        for unique_id, outcome in outcomes.items()
    )
    arguments = dict(invocation.arguments)
    return RetryReport(
        verdict=_verdict(invocation, nodes),
        invocation_id=invocation.invocation_id,
        chain=(),
        arguments=EffectiveArguments(invocation.command, arguments, dict.fromkeys(arguments, "recorded")),
        message=invocation.error,
        nodes=nodes,
        started_at=invocation.started_at,
        duration=invocation.duration,
        dbt_version=invocation.dbt_version,
        project=invocation.project,
        profile=invocation.profile,
        target=invocation.target,
    )


def _fate(outcome: Outcome, *, recovered: bool) -> Fate:
    if outcome.status in NEVER_RUN:
        return Fate.NEVER_ATTEMPTED
    if outcome.proven:
        return Fate.RECOVERED if recovered else Fate.SUCCEEDED
    return Fate.INTERRUPTED if outcome.status == INTERRUPTED else Fate.FAILED


def _verdict(invocation: Invocation, nodes: Iterable[ReportedNode]) -> Verdict:
    unproven = unproven_verdict(invocation, nodes)
    if unproven is not None:
        return unproven
    if invocation.succeeded is not True:
        return Verdict.STILL_FAILING
    return Verdict.RECOVERED if any(node.fate is Fate.RECOVERED for node in nodes) else Verdict.SUCCEEDED
