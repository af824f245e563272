"""What a retry will do, and what was noticed on the way there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dbt_retry_plus.words import Reason, Severity


@dataclass(frozen=True)
class Finding:
    """What a check says before anything runs.

    Attributes:
        severity: An error stops the retry, a warning is shown.
        code: A stable, kebab-case name that settings can refer to.
        message: What was found, in one sentence.
        remedy: What to do about it, in one sentence.
        passable: Whether `--force` lets the retry run in spite of an error.
    """

    severity: Severity
    code: str
    message: str
    remedy: str
    passable: bool = False

    @property
    def sentence(self) -> str:
        """Message and remedy as a person reads them."""
        return f"{self.message} {self.remedy}".strip()


@dataclass(frozen=True)
class PlannedNode:
    """A node of the retry set.

    Attributes:
        unique_id: dbt's id of the node.
        reason: Why it runs.
        cause: The unique_id of the node that brought it in, if another did.
        previous_status: Its status in the chain, if it has one.
    """

    unique_id: str
    reason: Reason
    cause: str | None = None
    previous_status: str | None = None


@dataclass(frozen=True)
class Plan:
    """What a retry will do.

    Attributes:
        nodes: The retry set, by unique_id, hooks excluded.
        hooks: Failed hooks that run again with the command.
        proven: unique_ids of selected nodes that stay as they are.
        left_out: Nodes that the retry set should hold and the user, or a plugin, has taken out of it.
        findings: What was noticed while planning.
    """

    nodes: Mapping[str, PlannedNode]
    hooks: tuple[PlannedNode, ...] = ()
    proven: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to retry."""
        return not self.nodes and not self.hooks


@dataclass(frozen=True)
class EffectiveArguments:
    """The arguments that a retry runs with, and where each came from.

    Attributes:
        command: dbt's `which` of the retried command.
        values: Argument by its dbt name.
        sources: `recorded`, `command line` or `merged`, by the same names.
    """

    command: str
    values: Mapping[str, Any]
    sources: Mapping[str, str]
