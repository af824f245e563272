"""How many cases, which ones, and what became of all of them.

CAMPAIGN_COUNT is their number, CAMPAIGN_SEED the seed of the campaign; one case is run again, with all of its project
printed, by CAMPAIGN_REPLAY=<its seed>.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.campaign.case import case_of
from tests.campaign.running import Stage
from tests.crash.campaign import PLUGIN
from tests.support.campaigns import choose, report_totals
from tests.support.invocations import WarmDbt, dbt_version

DEFAULT_COUNT = 12  # on five minors: 60
PREFIX = "campaign: "


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    choose(metafunc, "case", "CAMPAIGN", DEFAULT_COUNT, lambda seed: case_of(seed, dbt_version()))


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    warm = WarmDbt(PLUGIN)
    yield Stage(tmp_path_factory.mktemp("campaign") / "of", warm)
    warm.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    report_totals(terminalreporter, PREFIX, "random projects")
