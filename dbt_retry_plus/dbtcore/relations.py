"""Asking the warehouse what stands in it."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from dbt.adapters.factory import get_adapter
from dbt.config import RuntimeConfig
from dbt.contracts.graph.manifest import Manifest


def missing_relations(config: RuntimeConfig, manifest: Manifest, nodes: AbstractSet[str]) -> frozenset[str]:
    """Return those of some models, seeds and snapshots that the warehouse does not have.

    Args:
        config: dbt's configuration.
        manifest: Today's manifest.
        nodes: The nodes to look for; without any, no connection is opened.
    """
    if not nodes:
        return frozenset()
    adapter = get_adapter(config)
    missing = set()
    with adapter.connection_named("master"):
        for unique_id in sorted(nodes):
            node = manifest.nodes.get(unique_id)
            if node is None or adapter.get_relation(node.database, node.schema, node.identifier) is None:
                missing.add(unique_id)
    return frozenset(missing)
