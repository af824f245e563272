"""How many crashes, which ones, and what became of all of them.

CRASH_COUNT is their number, CRASH_SEED the seed of the campaign; a failed one is replayed with CRASH_REPLAY=<its seed>.
"""

from __future__ import annotations

import os
from collections import Counter
from importlib.metadata import version

import pytest

from tests.crash.campaign import crash_of

DEFAULT_COUNT = 8  # on five minors: some sixty kills


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "crash" not in metafunc.fixturenames:
        return
    replayed = os.environ.get("CRASH_REPLAY")
    # Each minor of dbt-core gets crashes of its own.
    campaign = os.environ.get("CRASH_SEED", version("dbt-core").rpartition(".")[0])
    count = int(os.environ.get("CRASH_COUNT", DEFAULT_COUNT))
    seeds = [replayed] if replayed else [f"{campaign}-{number}" for number in range(count)]
    metafunc.parametrize("crash", [crash_of(seed) for seed in seeds], ids=str)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    totals: Counter[str] = Counter()
    for report in [*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ())]:
        for name, value in getattr(report, "user_properties", ()):
            if name.startswith("crash: "):
                totals[name.removeprefix("crash: ")] += value
    if totals:
        terminalreporter.section("crash campaign")
        terminalreporter.write_line(", ".join(f"{number} {name}" for name, number in totals.items()))
