"""Today's project, and how it differs from the one on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dbt_retry_plus.words import Changed, RebuildTested


@dataclass(frozen=True)
class GraphNode:
    """A node of today's project, as far as planning needs it.

    Attributes:
        unique_id: dbt's id of the node.
        resource_type: dbt's resource type, for instance `model` or `unit_test`.
        parents: The nodes that it depends on.
        ephemeral: Whether it is compiled into its children and never run itself.
        changed: Its own `changed` setting (`meta.retry_plus`).
        rebuild_tested: Its own `rebuild_tested` setting.
        attempt_rules: Its own settings of attempts, by their names.
    """

    unique_id: str
    resource_type: str
    parents: tuple[str, ...] = ()
    ephemeral: bool = False
    changed: Changed | None = None
    rebuild_tested: RebuildTested | None = None
    attempt_rules: Mapping[str, Any] = field(default_factory=dict, hash=False)


Graph = Mapping[str, GraphNode]
"""Today's project: every enabled node by its unique_id, hooks included."""


@dataclass(frozen=True)
class StateComparison:
    """What is different today from when the nodes of a chain were last run, by dbt's own `state:modified` rules.

    Attributes:
        modified: Node to the parts of it that changed: `body`, `configs`, `relation`, `persisted_descriptions`,
            `macros`, `contract`, and `inputs` where only a source or an ephemeral model in its SQL changed; empty
            where dbt says modified without saying what.
        added: Nodes of today's project that it did not have then.
        removed: Nodes that it had then and has no more.
        renamed: Node that it had then to the new one with the same content.
        added_parents: Node to those of its parents that it did not depend on then.
        unknown: Nodes whose earlier code is not on record.
        disabled: Those of the removed nodes that the project still has, disabled.
        variables: Names of `--vars` that have another value now, or none.
        environment: Names of the environment variables that the project reads and that have another value now.
        packages: Names of the installed packages, the project itself among them, whose `dbt_project.yml` changed or
            that came or went.
        place: What is different about where the retry runs, by the names of `Place`: then and now.
    """

    modified: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)
    added_parents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    disabled: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()
    environment: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()
    place: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
