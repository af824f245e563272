"""What plugins do to a retry set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dbt_retry_plus.types import Addition, Chain, Finding, Graph, Plan, PlannedNode, Removal
from dbt_retry_plus.words import Reason, Severity


def amended(plan: Plan, chain: Chain, graph: Graph, amendments: Iterable[tuple[str, Addition | Removal]]) -> Plan:
    """Add nodes to a plan and take others out; what is taken out is not proven.

    Args:
        plan: The plan.
        chain: What was recorded.
        graph: Today's project.
        amendments: What plugins ask for, each with the name of its plugin; the last one on a node counts.
    """
    nodes, left_out, findings = dict(plan.nodes), set(plan.left_out), list(plan.findings)
    for plugin, amendment in amendments:
        unique_id = amendment.unique_id
        said = f"The plugin {plugin} {{}} {unique_id}: {amendment.why}."
        if isinstance(amendment, Removal) and unique_id in nodes:
            del nodes[unique_id]
            left_out.add(unique_id)
            findings.append(_finding(f"{plugin}/removal", said.format("takes out"), "Retry again to run it."))
        elif isinstance(amendment, Addition) and unique_id in plan.proven and unique_id in graph:
            nodes[unique_id] = PlannedNode(unique_id, Reason.PLUGIN, plugin, chain.outcomes[unique_id].status)
        elif isinstance(amendment, Addition) and unique_id not in nodes:
            text = said.format("asks for") + " It is no proven node of the original selection, so it does not run."
            findings.append(_finding(f"{plugin}/addition", text, "Run it by name."))
    return replace(
        plan, nodes=nodes, proven=plan.proven - nodes.keys(), left_out=frozenset(left_out), findings=tuple(findings)
    )


def _finding(code: str, message: str, remedy: str) -> Finding:
    return Finding(Severity.WARNING, code, message, remedy)
