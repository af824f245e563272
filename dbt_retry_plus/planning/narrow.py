"""Taking nodes out of a retry set, which leaves them unproven."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

from dbt_retry_plus.types import Plan


def narrowed(plan: Plan, wanted: AbstractSet[str]) -> Plan:
    """Keep the nodes of a retry set that the user selects now; hooks go with them, as in any command.

    Args:
        plan: The retry set.
        wanted: What dbt's selector makes of the options given now.
    """
    kept = {unique_id: node for unique_id, node in plan.nodes.items() if unique_id in wanted}
    return replace(plan, nodes=kept, left_out=plan.left_out | (plan.nodes.keys() - kept.keys()))
