"""Campaigns: cases that seeds choose, as many as the environment says, and what became of all of them together.

`NAME_COUNT` is their number, `NAME_SEED` the seed of the campaign; `NAME_REPLAY=SEED[,SEED…]` runs these again.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.invocations import dbt_version


def choose(
    metafunc: pytest.Metafunc, fixture: str, name: str, default_count: int, case_of: Callable[[str], object]
) -> None:
    """Give a test its cases.

    Args:
        metafunc: The test.
        fixture: The argument of it that takes a case.
        name: What the variables of the campaign begin with.
        default_count: How many cases there are where the environment does not say.
        case_of: Makes the case of a seed.
    """
    if fixture not in metafunc.fixturenames:
        return
    replayed = os.environ.get(f"{name}_REPLAY")
    # Each minor of dbt-core gets cases of its own.
    campaign = os.environ.get(f"{name}_SEED", ".".join(map(str, dbt_version())))
    count = int(os.environ.get(f"{name}_COUNT", default_count))
    seeds = replayed.split(",") if replayed else [f"{campaign}-{number}" for number in range(count)]
    metafunc.parametrize(fixture, [case_of(seed) for seed in seeds], ids=str)


def report_totals(terminalreporter: Any, prefix: str, title: str) -> None:
    """Print the sums of what the tests of a campaign have recorded as properties.

    Args:
        terminalreporter: pytest's.
        prefix: What the names of the properties begin with.
        title: What stands above.
    """
    totals: Counter[str] = Counter()
    for property_name, value in _properties(terminalreporter):
        if property_name.startswith(prefix):
            totals[property_name.removeprefix(prefix)] += value
    if totals:
        terminalreporter.section(title)
        for property_name, number in totals.items():
            terminalreporter.write_line(f"{number:5} {property_name}")


def _properties(terminalreporter: Any) -> Iterator[tuple[str, Any]]:
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            yield from getattr(report, "user_properties", ())
