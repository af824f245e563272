from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.conftest import ProjectFactory
from tests.crash.campaign import Crash, survive
from tests.support.projects import Adapter

pytestmark = pytest.mark.every_minor  # each has crashes of its own


@pytest.fixture(scope="session")
def uninterrupted() -> dict[Adapter, tuple[frozenset[str], Mapping[str, Any]]]:
    """What a build that nothing interrupts selects and leaves behind, once for each kind of warehouse."""
    return {}


@pytest.fixture
def expected_of(
    uninterrupted: dict[Adapter, tuple[frozenset[str], Mapping[str, Any]]], new_project: ProjectFactory
) -> Callable[[Adapter], tuple[frozenset[str], Mapping[str, Any]]]:
    def build(adapter: Adapter) -> tuple[frozenset[str], Mapping[str, Any]]:
        if adapter not in uninterrupted:
            project = new_project("jaffle_shop", adapter, folder="uninterrupted")
            project.dbt("build", exit_code=0)
            uninterrupted[adapter] = (frozenset(project.statuses()), project.relations())
        return uninterrupted[adapter]

    return build


def test_a_killed_build_is_finished(
    crash: Crash,
    new_project: ProjectFactory,
    expected_of: Callable[[Adapter], tuple[frozenset[str], Mapping[str, Any]]],
    record_property: Callable[[str, object], None],
) -> None:
    selected, relations = expected_of(crash.adapter)
    project = new_project("jaffle_shop", crash.adapter, threads=crash.threads)

    tally = survive(crash, project, selected)

    record_property("crash: kills", tally.kills)
    record_property("crash: lost nodes", len(tally.lost))
    record_property("crash: needless reruns", len(tally.needless))
    assert tally.lost == ()
    assert tally.needless == ()
    assert project.relations() == relations
    statuses = project.statuses()
    assert frozenset(statuses) == selected
    assert set(statuses.values()) <= {"success", "pass", "no-op"}
