"""Real faults while a retry runs: those that pass are healed by attempts, and after the others nothing is tried again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.case import Case
from tests.faults.judging import account, counts, wrongs

pytestmark = pytest.mark.every_minor  # each has faults of its own


def test_attempts_heal_what_passes_and_nothing_else(
    case: Case, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    ran = request.getfixturevalue(case.adapter).run(case)

    found = list(wrongs(ran))
    for name, number in Counter(counts(ran)).items():
        record_property(f"faults: {name}", number)
    assert not found, account(ran, found)
