"""Random commands, with random selections."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from tests.campaign.generator import TAGS
from tests.campaign.project import MICROBATCH, SEED, SNAPSHOT, Project

_NAMES = {"build": 12, "run": 5, "test": 3, "seed": 1, "snapshot": 1, "compile": 1}
_NO_FULL_REFRESH = ("test", "snapshot")
EVENT_TIME = ("--event-time-start", "2023-01-01", "--event-time-end", "2026-01-01")


@dataclass(frozen=True)
class Command:
    """A retryable command, with its arguments.

    Attributes:
        name: What follows `dbt`.
        arguments: What follows that.
        selector: The definition of the YAML selector that it names.
        mentioned: Nodes that its selection names.
        fail_fast: Whether it stops at the first failure.
    """

    name: str
    arguments: tuple[str, ...]
    selector: Mapping[str, object] | None
    mentioned: frozenset[str]
    fail_fast: bool

    def __str__(self) -> str:
        return " ".join(("dbt", self.name, *self.arguments))

    @property
    def line(self) -> tuple[str, ...]:
        return (self.name, *self.arguments)


def random_command(choice: random.Random, project: Project, version: tuple[int, int]) -> Command:
    """Choose a command for a project.

    Args:
        choice: What chooses.
        project: The project.
        version: Major and minor of dbt-core.
    """
    names = {name: weight for name, weight in _NAMES.items() if _has_work(name, project)}
    name = choice.choices(list(names), weights=list(names.values()))[0]
    mentioned: set[str] = set()
    selector = None
    arguments: list[str] = []
    how = choice.choices(("all", "select", "selector"), weights=(5, 4, 1))[0]
    if name in ("seed", "snapshot"):
        how = "all"
    if how == "select":
        criteria = [_criterion(choice, project, mentioned) for _ in range(choice.choice((1, 1, 2, 3)))]
        arguments += ["--select", *criteria]
    elif how == "selector":
        arguments += ["--selector", "chosen"]
        selector = _definition(choice, project, mentioned)
    if how != "selector" and choice.random() < 0.25:
        arguments += ["--exclude", _criterion(choice, project, mentioned)]
    if name == "build" and choice.random() < 0.15:
        option = "--exclude-resource-type" if version >= (1, 9) and choice.random() < 0.5 else "--resource-type"
        kinds = choice.sample(("test", "unit_test", "seed", "snapshot"), 2)
        arguments += (
            [option, kinds[0], option, kinds[1]] if "exclude" in option else [option, "model", option, kinds[0]]
        )
    fail_fast = choice.random() < 0.12
    if fail_fast:
        arguments.append("--fail-fast")
    if choice.random() < 0.08 and name not in _NO_FULL_REFRESH:
        arguments.append("--full-refresh")
    if choice.random() < 0.1:
        arguments += ["--vars", '{"offset": 2}']
    if name in ("build", "run") and any(node.kind == MICROBATCH for node in project.nodes):
        arguments += EVENT_TIME  # or dbt takes another range for a table that is there and one that is not
    arguments += ["--threads", str(choice.choice((1, 3)) if version >= (1, 9) else 1)]  # DuckDB 1.1 may crash
    return Command(name, tuple(arguments), selector, frozenset(mentioned), fail_fast)


def _has_work(name: str, project: Project) -> bool:
    kinds = {node.kind for node in project.nodes}
    return {"seed": SEED in kinds, "snapshot": SNAPSHOT in kinds}.get(name, True)


def _criterion(choice: random.Random, project: Project, mentioned: set[str]) -> str:
    way = choice.choices(
        ("name", "tag", "path", "config", "exposure", "source", "both"), weights=(9, 3, 2, 1, 1, 1, 2)
    )[0]
    if way == "tag":
        return f"tag:{choice.choice(TAGS)}{choice.choice(('', '+'))}"
    if way == "path":
        return f"path:models/{choice.choice(('core', 'marts'))}"
    if way == "config":
        return f"config.materialized:{choice.choice(('table', 'view', 'incremental'))}"
    if way == "exposure" and project.exposed:
        return "+exposure:board"
    if way == "source":
        return "source:raw.base+"
    name = choice.choice(project.nodes).name
    mentioned.add(name)
    named = choice.choice(("{}", "{}+", "+{}", "+{}+", "1+{}", "{}+1", "@{}")).format(name)
    return f"{named},resource_type:model" if way == "both" else named


def _definition(choice: random.Random, project: Project, mentioned: set[str]) -> Mapping[str, object]:
    node, without = choice.choice(project.nodes).name, choice.choice(project.nodes).name
    mentioned.update((node, without))
    return {
        "union": [
            {"method": "tag", "value": choice.choice(TAGS), "parents": choice.random() < 0.5},
            {"method": "fqn", "value": node, "children": True},
            {"exclude": [{"method": "fqn", "value": without}]},
        ]
    }
