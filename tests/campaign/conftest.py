"""How many cases, which ones, and what became of all of them.

CAMPAIGN_COUNT is their number, CAMPAIGN_SEED the seed of the campaign; one case is run again, with all of its project
printed, by CAMPAIGN_REPLAY=<its seed>.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.campaign.case import case_of
from tests.campaign.running import Stage
from tests.crash.campaign import PLUGIN
from tests.support.invocations import WarmDbt, dbt_version

DEFAULT_COUNT = 12  # on five minors: 60
PREFIX = "campaign: "


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" not in metafunc.fixturenames:
        return
    replayed = os.environ.get("CAMPAIGN_REPLAY")
    version = dbt_version()
    # Each minor of dbt-core gets cases of its own.
    campaign = os.environ.get("CAMPAIGN_SEED", ".".join(map(str, version)))
    count = int(os.environ.get("CAMPAIGN_COUNT", DEFAULT_COUNT))
    seeds = [replayed] if replayed else [f"{campaign}-{number}" for number in range(count)]
    metafunc.parametrize("case", [case_of(seed, version) for seed in seeds], ids=str)


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    warm = WarmDbt(PLUGIN)
    yield Stage(tmp_path_factory.mktemp("campaign") / "of", warm)
    warm.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    totals: Counter[str] = Counter()
    for report in [*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ())]:
        for name, value in getattr(report, "user_properties", ()):
            if name.startswith(PREFIX):
                totals[name.removeprefix(PREFIX)] += value
    if totals:
        terminalreporter.section("random projects")
        for name, number in totals.items():
            terminalreporter.write_line(f"{number:5} {name}")
