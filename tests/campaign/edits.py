"""What people do to a project between a failure and a retry."""

from __future__ import annotations

import random
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from tests.campaign.flaws import BAD_HOOK, BAD_TEST, BAD_UNIT_TEST, IN_CODE, UNPARSABLE, Flaw
from tests.campaign.generator import HISTORY
from tests.campaign.project import (
    BY_KEY,
    EPHEMERAL,
    EVENTS,
    MICROBATCH,
    SEED,
    SNAPSHOT,
    TABLE,
    VIEW,
    Node,
    Project,
    Test,
)

CHANGE_VAR = "change a var"


@dataclass(frozen=True)
class Edit:
    """One change of the code.

    Attributes:
        kind: What kind of change it is.
        names: The nodes, tests and unit tests whose code is another one now, those that are new included.
        new: Those of them that the first command cannot have selected.
        gone: Names that the project has no more.
        edges: Whether the graph is another one now, and so what `a+` means.
    """

    kind: str
    names: frozenset[str]
    new: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    edges: bool = False


_Edited = tuple[Project, list[Edit]]


def repaired(project: Project, flaw: Flaw) -> _Edited:
    """Repair a flaw that lies in the code.

    Args:
        project: The project as it is.
        flaw: What is wrong; one that lies in the warehouse is none of the code.
    """
    kind, names = f"repair {flaw.kind}", frozenset({flaw.name})
    if flaw.kind in IN_CODE and any(node.name == flaw.name for node in project.nodes):
        return project.with_node(replace(project.node(flaw.name), flaw=None)), [Edit(kind, names)]
    if flaw.kind == BAD_TEST:
        tests = tuple(replace(test, flaw=False) if test.name == flaw.name else test for test in project.tests)
        return replace(project, tests=tests), [Edit(kind, names)]
    if flaw.kind == BAD_UNIT_TEST:
        unit_tests = tuple(replace(test, flaw=False) if test.name == flaw.name else test for test in project.unit_tests)
        return replace(project, unit_tests=unit_tests), [Edit(kind, names)]
    if flaw.kind == UNPARSABLE:
        return replace(project, unparsable=False), [Edit(kind, frozenset(), edges=True)]
    assert flaw.cure or flaw.kind == BAD_HOOK or flaw.kind in IN_CODE, flaw
    return project, []


def random_edit(choice: random.Random, project: Project, mentioned: AbstractSet[str]) -> _Edited:
    """Change something else.

    Args:
        choice: What chooses.
        project: The project as it is.
        mentioned: Nodes that the first command's selection names, which keep their names.
    """
    edit = choice.choices(list(_EDITS), weights=list(_EDITS.values()))[0]
    return edit(choice, project, mentioned) or (project, [])


def _number(choice: random.Random, project: Project, mentioned: AbstractSet[str]) -> _Edited | None:
    node = choice.choice(project.nodes)
    changed = project.with_node(replace(node, number=node.number + 100))
    about = {test.name for test in project.unit_tests if test.model == node.name}  # they expect the new number
    kind = {SEED: "change seed", EPHEMERAL: "change ephemeral", SNAPSHOT: "change snapshot"}.get(
        node.kind, "change model"
    )
    return changed, [Edit(kind, frozenset({node.name} | about))]


def _remark(choice: random.Random, project: Project, mentioned: AbstractSet[str]) -> _Edited | None:
    node = choice.choice([node for node in project.nodes if node.kind != SEED] or [None])
    if node is None:
        return None
    return project.with_node(replace(node, comment="seen")), [Edit("remark", frozenset({node.name}))]


def _materialization(choice: random.Random, project: Project, mentioned: AbstractSet[str]) -> _Edited | None:
    nodes = [node for node in project.nodes if node.kind in (TABLE, VIEW)]
    if not nodes:
        return None
    node = choice.choice(nodes)
    other = VIEW if node.kind == TABLE else TABLE
    # `config.materialized:table` may mean other nodes now
    return project.with_node(replace(node, kind=other)), [Edit("change config", frozenset({node.name}), edges=True)]


def _parent(choice: random.Random, project: Project, mentioned: AbstractSet[str]) -> _Edited | None:
    """Let a node read one more, an old one."""
    position = choice.randrange(1, len(project.nodes))
    node = project.nodes[position]
    older = [p for p in project.nodes[:position] if p.kind not in (EVENTS, MICROBATCH) and p.name not in node.parents]
    if not node.parents or not older or node.kind in (SEED, EVENTS, MICROBATCH) or _unit_tested(node.name, project):
        return None
    parent = choice.choice(older)
    if parent.flaw or parent.raw or any(project.node(name).flaw for name in _above(parent.name, project)):
        return None
    changed = replace(node, parents=(*node.parents, parent.name))
    return project.with_node(changed), [Edit("add a ref", frozenset({node.name}), edges=True)]


def _above(name: str, project: Project) -> set[str]:
    found = set(project.node(name).parents)
    for parent in project.node(name).parents:
        found |= _above(parent, project)
    return found


def _unit_tested(name: str, project: Project) -> bool:
    return any(test.model == name for test in project.unit_tests)


def _new_parent(choice: random.Random, project: Project, mentioned: AbstractSet[str]) -> _Edited | None:
    """Put a new model above an old one."""
    nodes = [n for n in project.nodes if n.kind in (TABLE, VIEW) and n.parents and not _unit_tested(n.name, project)]
    if not nodes:
        return None
    node = choice.choice(nodes)
    new = Node(f"new{len(project.nodes)}", choice.choice((TABLE, VIEW)), number=7)
    position = project.nodes.index(node)
    changed = replace(node, parents=(*node.parents, new.name))
    both = replace(project, nodes=(*project.nodes[:position], new, changed, *project.nodes[position + 1 :]))
    return both, [Edit("add a parent", frozenset({node.name, new.name}), frozenset({new.name}), edges=True)]


def _leaf(choice: random.Random, project: Project, mentioned: AbstractSet[str]) -> _Edited | None:
    parent = choice.choice(project.nodes)
    if parent.kind in (EVENTS, MICROBATCH):
        return None
    names = frozenset({f"leaf{len(project.nodes)}"})
    leaf = Node(next(iter(names)), choice.choice((TABLE, VIEW)), (parent.name,), 3)
    return replace(project, nodes=(*project.nodes, leaf)), [Edit("add a model", names, names)]


def _new_test(choice: random.Random, project: Project, mentioned: AbstractSet[str]) -> _Edited | None:
    names = frozenset({f"added{len(project.tests)}"})
    test = Test(next(iter(names)), "singular", (choice.choice(project.nodes).name,))
    return replace(project, tests=(*project.tests, test)), [Edit("add a test", names, names)]


def _test(choice: random.Random, project: Project, mentioned: AbstractSet[str]) -> _Edited | None:
    tests = [test for test in project.tests if test.kind == "singular" and not test.flaw]
    if not tests:
        return None
    changed = replace(choice.choice(tests), comment="seen", flaw=choice.random() < 0.3)
    kind = "break a test" if changed.flaw else "change a test"
    tests_now = tuple(changed if test.name == changed.name else test for test in project.tests)
    return replace(project, tests=tests_now), [Edit(kind, frozenset({changed.name}))]


def _rename(choice: random.Random, project: Project, mentioned: AbstractSet[str]) -> _Edited | None:
    nodes = [
        n for n in project.nodes if n.name not in mentioned and n.raw is None and n.kind not in (EVENTS, MICROBATCH)
    ]
    if not nodes:
        return None
    old = choice.choice(nodes).name
    new = f"{old}_renamed"

    def named(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new if name == old else name for name in names)

    changed = tuple(
        replace(node, name=new if node.name == old else node.name, parents=named(node.parents))
        for node in project.nodes
    )
    tests = tuple(replace(test, nodes=named(test.nodes)) for test in project.tests)
    unit_tests = tuple(replace(u, model=new if u.model == old else u.model) for u in project.unit_tests)
    exposed = new if project.exposed == old else project.exposed
    about = {test.name for test in project.tests if old in test.nodes}
    about |= {test.name for test in project.unit_tests if test.model in (old, *project.children(old))}
    names = frozenset({old, new, *project.children(old), *about})
    # a test's or unit test's id holds the name of what it tests
    fresh = frozenset({new, *(test.name for test in project.tests if old in test.nodes and test.kind != "singular")})
    fresh |= {test.name for test in project.unit_tests if test.model == old}
    after = replace(project, nodes=changed, tests=tests, unit_tests=unit_tests, exposed=exposed)
    return after, [Edit("rename", names, fresh, frozenset({old}), edges=True)]


def _delete(choice: random.Random, project: Project, mentioned: AbstractSet[str]) -> _Edited | None:
    """Remove a node that nothing reads, or let dbt leave it out."""
    nodes = [n for n in project.nodes if not project.children(n.name) and n.name not in (*mentioned, project.exposed)]
    if len(project.nodes) < 4 or not nodes:
        return None
    node = choice.choice(nodes)
    if node.kind not in (SEED, SNAPSHOT) and choice.random() < 0.4 and not node.extra:
        tests = tuple(test for test in project.tests if len(test.nodes) == 1 or node.name not in test.nodes)
        disabled = replace(project, tests=tests).with_node(replace(node, extra=", enabled=false"))
        return _without_tests_of(node.name, disabled), [
            Edit("disable", frozenset(), gone=frozenset({node.name}), edges=True)
        ]
    rest = replace(project, nodes=tuple(other for other in project.nodes if other != node))
    return _without_tests_of(node.name, rest), [Edit("delete", frozenset(), gone=frozenset({node.name}), edges=True)]


def _without_tests_of(name: str, project: Project) -> Project:
    return replace(
        project,
        tests=tuple(test for test in project.tests if name not in test.nodes),
        unit_tests=tuple(test for test in project.unit_tests if test.model != name),
    )


def _users(project: Project, use: str) -> frozenset[str]:
    users = {node.name for node in project.nodes if node.uses == use}
    return frozenset(users | {test.name for test in project.unit_tests if test.model in users})


def _macro(choice: random.Random, project: Project, mentioned: AbstractSet[str]) -> _Edited | None:
    changed = replace(project, macro_number=project.macro_number + 1000)
    return changed, [Edit("change a macro", _users(project, "macro"))]


def _var(choice: random.Random, project: Project, mentioned: AbstractSet[str]) -> _Edited | None:
    return replace(project, var=project.var + 1), [Edit(CHANGE_VAR, _users(project, "var"))]


def _source(choice: random.Random, project: Project, mentioned: AbstractSet[str]) -> _Edited | None:
    """Point the source elsewhere."""
    readers = {n.name for n in project.nodes if not n.parents and n.kind not in (SEED, EVENTS, MICROBATCH)}
    table = "other" if project.source_table == "base" else "base"
    if not readers or any(node.kind in HISTORY and node.kind != BY_KEY for node in project.nodes):
        return None
    return replace(project, source_table=table), [Edit("change a source", frozenset(readers))]


_EDITS: dict[Callable[[random.Random, Project, AbstractSet[str]], _Edited | None], int] = {
    _number: 12,
    _remark: 2,
    _materialization: 2,
    _parent: 2,
    _new_parent: 2,
    _leaf: 2,
    _new_test: 1,
    _test: 2,
    _rename: 2,
    _delete: 2,
    _macro: 2,
    _var: 1,
    _source: 1,
}
