"""What a retry set out to do, as its journal keeps it: a retry that is killed leaves no report of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dbt_retry_plus.ledger import journal
from dbt_retry_plus.types import Chain, Finding, Plan, PlannedNode
from dbt_retry_plus.words import Reason, Severity


def planned_entry(plan: Plan, findings: Sequence[Finding]) -> dict[str, Any]:
    """Make what the journal keeps of a plan.

    Args:
        plan: What will run.
        findings: What the checks said.
    """
    return {
        "nodes": [asdict(node) for node in plan.nodes.values()],
        "hooks": [asdict(hook) for hook in plan.hooks],
        "left_out": sorted(plan.left_out),
        "findings": [asdict(finding) for finding in findings],
    }


def read_planned(path: Path, chain: Chain) -> tuple[Plan, tuple[Finding, ...]] | None:
    """Read what a retry set out to do; None where its journal does not tell.

    Args:
        path: The journal of the retry.
        chain: What it retried.

    Raises:
        OSError: The file cannot be read.
        RetryRefusedError: A newer version of this package wrote it.
    """
    kept = next((e.get("plan") for e in journal.read_entries(path) if e["event"] == journal.SELECTION), None)
    if not isinstance(kept, dict):
        return None
    try:
        nodes = {node["unique_id"]: _node(node) for node in kept["nodes"]}
        plan = Plan(
            nodes=nodes,
            hooks=tuple(map(_node, kept["hooks"])),
            proven=frozenset(u for u, outcome in chain.outcomes.items() if outcome.proven and u not in nodes),
            left_out=frozenset(kept["left_out"]),
        )
        return plan, tuple(Finding(**{**f, "severity": Severity(f["severity"])}) for f in kept["findings"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _node(kept: Mapping[str, Any]) -> PlannedNode:
    return PlannedNode(**{**kept, "reason": Reason(kept["reason"])})
