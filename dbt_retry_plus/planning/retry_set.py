"""From the outcomes of a chain to the nodes that a retry will execute."""

from __future__ import annotations

from dataclasses import replace

from dbt_retry_plus.commands import COMMANDS_THAT_BUILD_OR_TEST, COMMANDS_WITH_HOOK_NODES, DOCS_GENERATE, RUN_OPERATION
from dbt_retry_plus.types import Chain, Finding, Graph, Outcome, Plan, PlannedNode, StateComparison
from dbt_retry_plus.words import INTERRUPTED, NOT_STARTED, Reason, Severity

NO_COMPARISON = StateComparison()

_REASONS = {
    "skipped": Reason.SKIPPED,
    "partial success": Reason.FAILED_BATCHES,
    "warn": Reason.WARNED,
    INTERRUPTED: Reason.INTERRUPTED,
    NOT_STARTED: Reason.NOT_STARTED,
}

# A run-operation's macro goes by the name of a hook.
_COMMANDS_WITH_OPERATIONS = COMMANDS_WITH_HOOK_NODES | {RUN_OPERATION}
_OPERATION = "operation"


def plan_retry(chain: Chain, *, retry_warnings: bool = False) -> Plan:
    """Decide which nodes a retry executes, from the chain alone.

    Hooks run with a command, and are no nodes of it; a command that only compiles has them among its nodes.

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
        elif outcome.is_hook and chain.original.command not in _COMMANDS_WITH_OPERATIONS:
            hooks.append(_planned(outcome, Reason.FAILED_HOOK))
        else:
            # A status that a newer dbt made up is no proof.
            nodes[outcome.unique_id] = _planned(outcome, _REASONS.get(outcome.status, Reason.FAILED))
    if chain.original.command == RUN_OPERATION and not chain.outcomes and chain.latest.succeeded is not True:
        macro = str(chain.original.arguments.get("macro"))
        nodes[macro] = PlannedNode(macro, Reason.INTERRUPTED)
    return Plan(nodes=nodes, hooks=tuple(hooks), proven=frozenset(proven))


def may_be_empty(chain: Chain) -> bool:
    """Whether an empty plan from the chain alone can be the last word on it."""
    return chain.tells_all and _came_to_its_end(chain)


def fit_to_graph(plan: Plan, chain: Chain, graph: Graph, comparison: StateComparison = NO_COMPARISON) -> Plan:
    """Make of what the record asks for what today's project can run.

    A node that was removed, renamed or disabled is left out with a warning. A command that ended badly after
    all of its nodes were done has something left that is no node: its hooks, or the catalog.

    Args:
        plan: The plan from the record.
        chain: The chain that it comes from.
        graph: Today's project.
        comparison: What changed since: a node that was renamed runs under its new name.
    """
    if chain.original.command == RUN_OPERATION:
        return plan
    plan = _without_missing_nodes(_under_new_names(plan, graph, comparison), chain, graph)
    if plan.is_empty and _came_to_its_end(chain):
        return plan
    if chain.original.command == DOCS_GENERATE:
        # catalog.json holds what the command ran: with the failed nodes alone, it would lose all others.
        done = plan.proven & graph.keys()
        again = {u: _planned(chain.outcomes[u], Reason.ONE_PIECE) for u in sorted(done)}
        return replace(plan, nodes={**plan.nodes, **again}, proven=plan.proven - done)
    if plan.is_empty and chain.original.command in COMMANDS_THAT_BUILD_OR_TEST:
        hooks = (node.unique_id for node in graph.values() if node.resource_type == _OPERATION)
        return replace(plan, hooks=tuple(PlannedNode(unique_id, Reason.FAILED_HOOK) for unique_id in sorted(hooks)))
    return plan


def _came_to_its_end(chain: Chain) -> bool:
    """Whether what failed in the latest link, if anything, was its nodes."""
    latest = chain.latest
    return latest.ended and (latest.succeeded is not False or not all(o.proven for o in latest.outcomes.values()))


def _under_new_names(plan: Plan, graph: Graph, comparison: StateComparison) -> Plan:
    renamed = {old: new for old, new in comparison.renamed.items() if old in plan.nodes and new in graph}
    if not renamed:
        return plan
    nodes = {unique_id: node for unique_id, node in plan.nodes.items() if unique_id not in renamed}
    for old, new in renamed.items():
        nodes.setdefault(new, PlannedNode(new, Reason.RENAMED, old, plan.nodes[old].previous_status))
    return replace(plan, nodes=nodes)


def _without_missing_nodes(plan: Plan, chain: Chain, graph: Graph) -> Plan:
    planned = {**plan.nodes, **{hook.unique_id: hook for hook in plan.hooks}}
    findings = tuple(
        Finding(
            severity=Severity.WARNING,
            code="node-gone",
            message=f"{unique_id} ({planned[unique_id].previous_status}) is not in the project any more "
            "and is left out of the retry.",
            remedy="If it was renamed, run its new name with `dbt build --select`.",
        )
        for unique_id in sorted(planned.keys() - graph.keys())
    )
    return replace(
        plan,
        nodes={u: n for u, n in plan.nodes.items() if u in graph and not _needs_no_run(n, chain, graph)},
        hooks=tuple(hook for hook in plan.hooks if hook.unique_id in graph),
        findings=plan.findings + findings,
    )


def _needs_no_run(node: PlannedNode, chain: Chain, graph: Graph) -> bool:
    """An ephemeral model is compiled into its children; upstream retries those that it has reported."""
    if chain.original.recorded and chain.original.command in COMMANDS_WITH_HOOK_NODES:
        return False
    return graph[node.unique_id].ephemeral and node.reason is Reason.NOT_STARTED


def _planned(outcome: Outcome, reason: Reason) -> PlannedNode:
    return PlannedNode(outcome.unique_id, reason, previous_status=outcome.status)
