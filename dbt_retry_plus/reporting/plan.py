"""A plan for people and for machines, before anything runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from dbt_retry_plus.texts import counted, in_short, some_of
from dbt_retry_plus.types import Chain, EffectiveArguments, Finding, Outcome, Plan, PlannedNode
from dbt_retry_plus.words import Reason

SCHEMA: Final = "dbt-retry-plus/plan/v1"
_SHOWN = frozenset({"select", "exclude", "selector", "vars", "target", "full_refresh", "state", "defer"})


def plan_document(
    chain: Chain, arguments: EffectiveArguments, plan: Plan, findings: Sequence[Finding]
) -> dict[str, Any]:
    """Make the document of `--dry-run --output json`; `plan.schema.json` beside this file describes it.

    Args:
        chain: What would be retried.
        arguments: What it would run with.
        plan: What would run.
        findings: What the checks said.
    """
    return {
        "schema": SCHEMA,
        "invocation": {
            "invocation_id": chain.latest.invocation_id,
            "chain": [link.invocation_id for link in chain.invocations],
            "started_at": chain.latest.started_at.isoformat() if chain.latest.started_at else None,
        },
        "command": chain.original.command_line_name,
        "arguments": arguments_document(arguments),
        "nodes": [_node(node) for node in [*plan.nodes.values(), *plan.hooks]],
        "left_out": sorted(plan.left_out),
        "proven": len(proven_nodes(chain, plan)),
        "estimated_seconds": _estimate(chain, plan),
        "findings": [finding_document(finding) for finding in findings],
    }


def arguments_document(arguments: EffectiveArguments) -> dict[str, Any]:
    """Make the document of arguments: each with its source."""
    return {
        name: {"value": value, "source": arguments.sources.get(name, "recorded")}
        for name, value in sorted(arguments.values.items())
    }


def finding_document(finding: Finding) -> dict[str, Any]:
    """Make the document of a finding."""
    return {
        "severity": finding.severity.value,
        "code": finding.code,
        "message": finding.message,
        "remedy": finding.remedy,
        "passable": finding.passable,
    }


def plan_lines(chain: Chain, arguments: EffectiveArguments, plan: Plan, findings: Sequence[Finding]) -> Iterator[str]:
    """Yield the lines of `--dry-run`.

    Args:
        chain: What would be retried.
        arguments: What it would run with.
        plan: What would run.
        findings: What the checks said.
    """
    latest, original = chain.latest, chain.original
    nodes = counted(len(plan.nodes), "node")
    yield f"A retry of {latest.short_id} (`dbt {original.command_line_name}`) would run {nodes}:"
    for reason, group in _by_reason([*plan.nodes.values(), *plan.hooks]).items():
        yield f"  {reason.value} ({len(group)})"
        for node in group:
            yield f"    {node.unique_id}{_because(node)}"
    if plan.left_out:
        yield f"  left out, and not proven ({len(plan.left_out)})"
        yield from (f"    {unique_id}" for unique_id in sorted(plan.left_out))
    yield f"{counted(len(proven_nodes(chain, plan)), 'node')} proven, and left as they are."
    estimate = _estimate(chain, plan)
    if estimate is not None:
        yield f"On record, the nodes that would run took {in_short(estimate)} together."
    yield "With these arguments:"
    for name, source in sorted(arguments.sources.items()):
        if source != "recorded" or _is_worth_showing(name, arguments.values.get(name)):
            yield f"  --{name.replace('_', '-')}: {_in_json(arguments.values.get(name))} ({source})"
    yield from (f"{finding.severity.value}: {finding.sentence} [{finding.code}]" for finding in findings)


def plan_in_short(chain: Chain, plan: Plan) -> Iterator[str]:
    """Yield the few lines that are logged before a retry runs.

    Args:
        chain: What is retried.
        plan: What will run.
    """
    original = chain.original
    groups = _by_reason([*plan.nodes.values(), *plan.hooks])
    yield f"Retrying {chain.latest.short_id} (`dbt {original.command_line_name}`): {counted(len(plan.nodes), 'node')}"
    for reason, group in groups.items():
        yield f"  {len(group)} {reason.value}: {some_of([node.unique_id for node in group], 3)}"


def _in_json(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


def _is_worth_showing(name: str, value: Any) -> bool:
    return name in _SHOWN and bool(value)


def _by_reason(nodes: list[PlannedNode]) -> Mapping[Reason, list[PlannedNode]]:
    groups: dict[Reason, list[PlannedNode]] = {}
    for node in sorted(nodes, key=lambda node: (list(Reason).index(node.reason), node.unique_id)):
        groups.setdefault(node.reason, []).append(node)
    return groups


def _because(node: PlannedNode) -> str:
    return f"  ← {node.cause}" if node.cause else ""


def _node(node: PlannedNode) -> dict[str, Any]:
    return {
        "unique_id": node.unique_id,
        "reason": node.reason.value,
        "cause": node.cause,
        "previous_status": node.previous_status,
    }


def proven_nodes(chain: Chain, plan: Plan) -> list[Outcome]:
    """Return the outcomes of the nodes that stay as they are, as dbt counts: hooks and ephemeral models are none."""
    outcomes = (chain.outcomes[unique_id] for unique_id in plan.proven)
    return [outcome for outcome in outcomes if not (outcome.is_hook or outcome.ephemeral)]


def _estimate(chain: Chain, plan: Plan) -> float | None:
    """The recorded seconds of what would run; None where no node of it has any."""
    times = [
        max((link.outcomes[u].execution_time for link in chain.invocations if u in link.outcomes), default=0.0)
        for u in plan.nodes
    ]
    return round(sum(times), 3) if any(times) else None
