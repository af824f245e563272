"""What hooks are handed and hand back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from dbt_retry_plus.types.plan import EffectiveArguments, Plan
from dbt_retry_plus.types.project import Graph, StateComparison
from dbt_retry_plus.types.record import Chain, Invocation, Place


@dataclass(frozen=True)
class PluginSettings:
    """What a name under `plugins` in `dbt_retry_plus.yml` may hold.

    Attributes:
        name: The name.
        kinds: What each setting has to be: `bool`, `int`, `float`, `str`, `list` or `dict`; or a function that makes of
            what is given the value, and raises a TypeError or ValueError that says what is wrong with it.
        defaults: The values of settings that are not given.
    """

    name: str
    kinds: Mapping[str, type[Any] | Callable[[Any], Any]]
    defaults: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FoundRetry:
    """A retry of which only the record is known yet: nothing is parsed, nothing is connected to.

    Attributes:
        chain: What is to be retried.
        arguments: What it would run with.
        given: dbt's options given on this command line, by their dbt names.
        options: The options of plugins given on this command line, by their names.
        settings: What the settings file gives plugins, by their names, and the defaults of what it does not.
        project_root: The project's folder.
        now: The time (UTC).
        recorded_place: Where the chain ran, as far as that is known.
        place: Where the retry would run; None where there is nothing that would.
        allow_target_change: Whether the user accepts another target or profile.
        max_age: How old, in seconds, the chain may be.
        running: The invocation of the chain whose process is still alive on this machine.
        manifest_of: The invocation that wrote `manifest.json` beside the results to retry.
    """

    chain: Chain
    arguments: EffectiveArguments
    project_root: Path
    now: datetime
    given: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    recorded_place: Place = field(default_factory=Place)
    place: Place | None = None
    allow_target_change: bool = False
    max_age: float | None = None
    running: Invocation | None = None
    manifest_of: str | None = None


@dataclass(frozen=True, kw_only=True)
class ComparedRetry(FoundRetry):
    """A retry whose project is loaded and compared with the record.

    Attributes:
        comparison: What changed since the nodes were last run.
        graph: Today's project as planning sees it.
        manifest: Today's `manifest.json`, read-only; it is made when it is first read.
    """

    comparison: StateComparison = field(default_factory=StateComparison)
    graph: Graph = field(default_factory=dict)
    manifest: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class PlannedRetry(ComparedRetry):
    """A retry that is planned and has not begun.

    Attributes:
        plan: What would run.
        missing_relations: Proven nodes that the retry set reads and the warehouse lacks, with `--check-relations`.
    """

    plan: Plan
    missing_relations: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Change:
    """A change that dbt does not see, for instance of a file that a macro reads.

    Attributes:
        unique_id: The node that counts as changed by it.
        what: What changed, in a few words.
    """

    unique_id: str
    what: str


@dataclass(frozen=True)
class Addition:
    """A proven node that is to run again.

    Attributes:
        unique_id: The node, one of the original selection.
        why: Why, in a few words.
    """

    unique_id: str
    why: str


@dataclass(frozen=True)
class Removal:
    """A node that is to be left out of the retry set: it stays unproven, so that such a retry is never green.

    Attributes:
        unique_id: The node.
        why: Why, in a few words.
    """

    unique_id: str
    why: str
