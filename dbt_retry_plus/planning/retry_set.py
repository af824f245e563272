"""From the outcomes of a chain to the nodes that a retry will execute."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from dbt_retry_plus.types import (
    INTERRUPTED,
    NOT_STARTED,
    Chain,
    Finding,
    Outcome,
    Plan,
    PlannedNode,
    Reason,
    Severity,
)

_REASONS = {
    "error": Reason.FAILED,
    "fail": Reason.FAILED,
    "runtime error": Reason.FAILED,
    "skipped": Reason.SKIPPED,
    "partial success": Reason.FAILED_BATCHES,
    "warn": Reason.WARNED,
    INTERRUPTED: Reason.INTERRUPTED,
    NOT_STARTED: Reason.NOT_STARTED,
}


def plan_retry(chain: Chain, *, retry_warnings: bool = False) -> Plan:
    """Decide which nodes a retry executes, from the chain alone.

    Args:
        chain: The invocation to retry and the retries of it.
        retry_warnings: Whether nodes that warned run again, as under `--warn-error`.
    """
    nodes: dict[str, PlannedNode] = {}
    hooks: list[PlannedNode] = []
    proven: set[str] = set()
    for outcome in chain.outcomes.values():
        if outcome.proven and not (retry_warnings and outcome.status == "warn"):
            proven.add(outcome.unique_id)
        elif outcome.is_hook and chain.original.command != "run-operation":
            hooks.append(_planned(outcome, Reason.FAILED_HOOK))
        else:
            nodes[outcome.unique_id] = _planned(outcome, _REASONS[outcome.status])
    return Plan(nodes=nodes, hooks=tuple(hooks), proven=frozenset(proven))


def without_missing_nodes(plan: Plan, present: AbstractSet[str]) -> Plan:
    """Leave out nodes that today's project does not have, with a warning for each.

    A node that was removed, renamed or disabled since is no longer selected by the original command.

    Args:
        plan: The plan from the record.
        present: unique_ids of today's graph.
    """
    missing = sorted(plan.nodes.keys() - present)
    if not missing:
        return plan
    findings = tuple(
        Finding(
            severity=Severity.WARNING,
            code="node-gone",
            message=f"{unique_id} ({plan.nodes[unique_id].previous_status}) is not in the project any more "
            "and is left out of the retry.",
            remedy="If it was renamed, run its new name with `dbt build --select`.",
        )
        for unique_id in missing
    )
    return Plan(
        nodes={unique_id: node for unique_id, node in plan.nodes.items() if unique_id in present},
        hooks=plan.hooks,
        proven=plan.proven,
        findings=plan.findings + findings,
    )


def _planned(outcome: Outcome, reason: Reason) -> PlannedNode:
    return PlannedNode(outcome.unique_id, reason, previous_status=outcome.status)
