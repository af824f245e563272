"""Random projects that work as they are."""

from __future__ import annotations

import random
from dataclasses import replace

from tests.campaign.project import (
    BAD_DATA,
    BY_KEY,
    BY_NEWEST,
    EPHEMERAL,
    EVENTS,
    LATE,
    MICROBATCH,
    SEED,
    SNAPSHOT,
    TABLE,
    VIEW,
    Node,
    Project,
    Test,
    UnitTest,
)

TAGS = ("daily", "finance")
_KINDS = {TABLE: 8, VIEW: 6, EPHEMERAL: 3, BY_KEY: 3, BY_NEWEST: 2, SNAPSHOT: 2}
_LEAST, _MOST = 4, 14
HISTORY = (BY_KEY, BY_NEWEST, SNAPSHOT)
"""What keeps rows of earlier runs."""


def random_project(choice: random.Random, version: tuple[int, int]) -> Project:
    """Make a project of 4 to 14 nodes, tests among them, of which every command succeeds.

    Args:
        choice: What chooses.
        version: Major and minor of dbt-core.
    """
    size = choice.randint(_LEAST, _MOST)
    nodes: list[Node] = []
    for number in range(max(3, round(size * 0.65))):
        nodes += _random_nodes(choice, number, nodes, version)
    project = Project(tuple(nodes), macro_number=choice.randint(0, 5), exposed=_maybe_exposed(choice, nodes))
    project = replace(project, tests=_random_tests(choice, project, size - len(nodes)))
    project = replace(project, unit_tests=_random_unit_tests(choice, project))
    if choice.random() < 0.15:
        project = replace(project, hooks={"on-run-end": ["create or replace table main.hook_done as select 1 as one"]})
    return project


def _random_nodes(choice: random.Random, number: int, before: list[Node], version: tuple[int, int]) -> list[Node]:
    name, tags = f"n{number}", tuple(tag for tag in TAGS if choice.random() < 0.25)
    folder, own = choice.choice(("core", "marts")), choice.randint(1, 50)
    if choice.random() < 0.15:
        return [Node(name, SEED, number=own, tags=tags)]
    if version >= (1, 9) and choice.random() < 0.06:
        if choice.random() < 0.5:
            return [Node(name, MICROBATCH, number=own, tags=tags, folder=folder, raw=f"events_{name}")]
        source = Node(f"{name}_events", EVENTS, number=own, folder=folder, raw=f"events_{name}")
        return [source, Node(name, MICROBATCH, (source.name,), own, tags, folder)]
    kind = choice.choices(list(_KINDS), weights=list(_KINDS.values()))[0]
    # A snapshot's or an event's rows are read too, but a chain of them says nothing new.
    eligible = [node.name for node in before if node.kind not in (EVENTS, MICROBATCH)]
    wanted = choice.choices((0, 1, 2, 3), weights=(2, 8, 4, 1))[0]
    parents = tuple(choice.sample(eligible[-6:], min(wanted, len(eligible[-6:]))))
    uses = choice.choices((None, "macro", "var"), weights=(12, 2, 1))[0]
    return [Node(name, kind, parents, own, tags, folder, uses=uses)]


def _maybe_exposed(choice: random.Random, nodes: list[Node]) -> str | None:
    models = [node.name for node in nodes if node.kind not in (SEED, SNAPSHOT)]
    return choice.choice(models) if models and choice.random() < 0.3 else None


def _random_tests(choice: random.Random, project: Project, count: int) -> tuple[Test, ...]:
    tests = []
    for number in range(max(1, count)):
        tested = tuple(node.name for node in choice.sample(project.nodes, choice.choice((1, 1, 1, 2))))
        kind = "singular" if len(tested) > 1 else choice.choice(("singular", "not_null", "unique"))
        if project.node(tested[0]).kind == SNAPSHOT and kind == "unique":
            kind = "not_null"  # it holds every version of a row
        tests.append(Test(f"t{number}", kind, tested, warns=choice.random() < 0.1))
    return tuple(tests)


def _random_unit_tests(choice: random.Random, project: Project) -> tuple[UnitTest, ...]:
    testable = [node for node in project.nodes if can_be_unit_tested(node, project)]
    chosen = [node for node in testable if choice.random() < 0.2]
    return tuple(UnitTest(f"u_{node.name}", node.name) for node in chosen)


def can_be_unit_tested(node: Node, project: Project) -> bool:
    """A unit test gives rows for what is read with a ref, to a model that gives the same rows wherever it runs."""
    reads = [project.node(parent).kind for parent in node.parents]
    plain = node.kind in (TABLE, VIEW) and node.uses != "var" and node.raw is None
    return plain and not {EPHEMERAL, SNAPSHOT, SEED} & set(reads)


def keeps_history_below(name: str, project: Project) -> bool:
    """Whether the node or one below it keeps rows of earlier runs: rows without an id would add up there."""
    waiting, seen = [name], {name}
    while waiting:
        current = waiting.pop()
        if project.node(current).kind in HISTORY:
            return True
        new = [child for child in project.children(current) if child not in seen]
        seen.update(new)
        waiting += new
    return False


def with_own_raw(node: Node, kind: str) -> Node:
    """The node with a raw table of its own, which is late or bad at first."""
    assert kind in (LATE, BAD_DATA)
    return replace(node, raw=kind)
