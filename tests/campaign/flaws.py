"""What is wrong at first, in the code or in the warehouse, and what puts it right."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.campaign.generator import HISTORY, keeps_history_below, with_own_raw
from tests.campaign.project import (
    BAD_BATCH,
    BAD_CELL,
    BAD_DATA,
    BAD_JINJA,
    BAD_SQL,
    EPHEMERAL,
    EVENTS,
    LATE,
    MICROBATCH,
    NULL_ID,
    SEED,
    SNAPSHOT,
    Node,
    Project,
    Test,
)
from tests.campaign.raw import mended, spoiled

BAD_TEST, BAD_UNIT_TEST, BAD_HOOK, UNPARSABLE = "bad test", "bad unit test", "bad hook", "unparsable"
IN_CODE = (BAD_SQL, BAD_JINJA, NULL_ID, BAD_CELL)


@dataclass(frozen=True)
class Flaw:
    """One thing that is wrong.

    Attributes:
        kind: In the words of this module and of `project`.
        name: The node, test or unit test that has it.
        cause: SQL that brings it about, if it lies in the warehouse.
        cure: SQL that mends it, likewise.
    """

    kind: str
    name: str
    cause: tuple[str, ...] = ()
    cure: tuple[str, ...] = ()

    @property
    def in_data(self) -> bool:
        """Whether only the data of a source is bad, which no node can know."""
        return self.kind == BAD_DATA


_Breaking = Callable[[random.Random, Project], "tuple[Flaw, Project] | None"]


def break_something(
    choice: random.Random, project: Project, command: str, version: tuple[int, int]
) -> tuple[tuple[Flaw, ...], Project]:
    """Break one to three things, most often such that the command runs into.

    Args:
        choice: What chooses.
        project: A sound project.
        command: The command that will run.
        version: Major and minor of dbt-core.
    """
    ways = _WAYS_OF.get(command, _EVERY_WAY)
    flaws: list[Flaw] = []
    for _ in range(choice.choices((1, 2, 3), weights=(6, 3, 1))[0]):
        way = choice.choices(list(ways), weights=list(ways.values()))[0]
        if way is _hook and (version < (1, 10) or flaws):  # row 9: before 1.10 dbt does not record how a hook ended
            continue
        made = way(choice, project)
        if made is not None and made[0].name not in {flaw.name for flaw in flaws}:
            flaws.append(made[0])
            project = made[1]
    if version >= (1, 12) and choice.random() < 0.3:
        project = _going_on(project, flaws)
    return tuple(flaws), project


def _pick(choice: random.Random, project: Project, wanted: Callable[[Node], bool]) -> Node | None:
    nodes = [node for node in project.nodes if node.flaw is None and wanted(node)]
    return choice.choice(nodes) if nodes else None


def _code(choice: random.Random, project: Project) -> tuple[Flaw, Project] | None:
    node = _pick(choice, project, lambda node: node.kind not in (SEED, EVENTS, MICROBATCH))
    if node is None:
        return None
    kind = choice.choice((BAD_SQL, BAD_SQL, BAD_JINJA))
    return Flaw(kind, node.name), project.with_node(replace(node, flaw=kind))


def _null_id(choice: random.Random, project: Project) -> tuple[Flaw, Project] | None:
    node = _pick(choice, project, lambda node: _may_lose_ids(node, project))
    if node is None:
        return None
    broken = project.with_node(replace(node, flaw=NULL_ID))
    return Flaw(NULL_ID, node.name), _tested(broken, node.name)


def _may_lose_ids(node: Node, project: Project) -> bool:
    outside = node.kind not in (SEED, SNAPSHOT, EVENTS, MICROBATCH, EPHEMERAL, *HISTORY) and node.raw is None
    return outside and not keeps_history_below(node.name, project)


def _tested(project: Project, name: str) -> Project:
    test = Test(f"has_id_{name}", "not_null", (name,))
    return project if test in project.tests else replace(project, tests=(*project.tests, test))


def _bad_data(choice: random.Random, project: Project) -> tuple[Flaw, Project] | None:
    node = _pick(choice, project, lambda node: _may_lose_ids(node, project))
    if node is None:
        return None
    node = with_own_raw(node, BAD_DATA)
    project = _without_unit_tests(_tested(project.with_node(node), node.name), node.name)
    return Flaw(BAD_DATA, node.name, (spoiled(node),), (mended(node),)), project


def _late(choice: random.Random, project: Project) -> tuple[Flaw, Project] | None:
    node = _pick(choice, project, lambda node: node.kind not in (SEED, EVENTS, MICROBATCH) and node.raw is None)
    if node is None:
        return None
    node = with_own_raw(node, LATE)
    project = _without_unit_tests(project.with_node(node), node.name)
    return Flaw(LATE, node.name, (spoiled(node),), (mended(node),)), project


def _without_unit_tests(project: Project, model: str) -> Project:
    return replace(project, unit_tests=tuple(test for test in project.unit_tests if test.model != model))


def _batch(choice: random.Random, project: Project) -> tuple[Flaw, Project] | None:
    node = _pick(choice, project, lambda node: node.kind == MICROBATCH and node.raw is not None)
    return None if node is None else (Flaw(BAD_BATCH, node.name, (spoiled(node),), (mended(node),)), project)


def _cell(choice: random.Random, project: Project) -> tuple[Flaw, Project] | None:
    node = _pick(choice, project, lambda node: node.kind == SEED)
    return None if node is None else (Flaw(BAD_CELL, node.name), project.with_node(replace(node, flaw=BAD_CELL)))


def _test(choice: random.Random, project: Project) -> tuple[Flaw, Project] | None:
    tests = [test for test in project.tests if test.kind == "singular" and not test.warns]
    if not tests:
        return None
    broken = replace(choice.choice(tests), flaw=True)
    return Flaw(BAD_TEST, broken.name), replace(
        project, tests=tuple(broken if test.name == broken.name else test for test in project.tests)
    )


def _unit_test(choice: random.Random, project: Project) -> tuple[Flaw, Project] | None:
    if not project.unit_tests:
        return None
    broken = replace(choice.choice(project.unit_tests), flaw=True)
    return Flaw(BAD_UNIT_TEST, broken.name), replace(
        project, unit_tests=tuple(broken if test.name == broken.name else test for test in project.unit_tests)
    )


def _hook(choice: random.Random, project: Project) -> tuple[Flaw, Project] | None:
    hook = choice.choice(("on-run-start", "on-run-end"))
    hooks = {hook: ["create or replace table main.hook_done as select * from raw.own_hook"]}
    cure = "create or replace table raw.own_hook as select 1 as one"
    return Flaw(BAD_HOOK, hook, ("drop table if exists raw.own_hook",), (cure,)), replace(project, hooks=hooks)


def _unparsable(choice: random.Random, project: Project) -> tuple[Flaw, Project] | None:
    return Flaw(UNPARSABLE, "unparsable"), replace(project, unparsable=True)


def _going_on(project: Project, flaws: list[Flaw]) -> Project:
    """Let what is below a broken node run all the same, on what it finds of it."""
    for node in project.nodes:
        if any(flaw.name == node.name for flaw in flaws) and node.kind not in (SEED, SNAPSHOT, EPHEMERAL):
            project = project.with_node(replace(node, extra=", on_error='continue'"))
    return project


_EVERY_WAY: dict[_Breaking, int] = {
    _code: 6,
    _late: 5,
    _test: 4,
    _null_id: 3,
    _bad_data: 2,
    _unit_test: 4,
    _cell: 2,
    _batch: 4,
    _hook: 1,
    _unparsable: 1,
}
_WAYS_OF: dict[str, dict[_Breaking, int]] = {
    "run": {_code: 6, _late: 5, _batch: 4, _hook: 1, _unparsable: 1},
    "test": {_test: 5, _unit_test: 4, _null_id: 2, _unparsable: 1},
    "seed": {_cell: 8, _hook: 1},
    "snapshot": {_late: 5, _code: 5},
    "compile": {_code: 5, _unparsable: 1},
}
