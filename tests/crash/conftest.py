"""How many crashes, which ones, and what became of all of them.

CRASH_COUNT is their number, CRASH_SEED the seed of the campaign; a failed one is replayed with CRASH_REPLAY=<its seed>.
"""

from __future__ import annotations

import pytest

from tests.crash.campaign import crash_of
from tests.support.campaigns import choose, report_totals

DEFAULT_COUNT = 8  # on five minors: some sixty kills
PREFIX = "crash: "


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    choose(metafunc, "crash", "CRASH", DEFAULT_COUNT, crash_of)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    report_totals(terminalreporter, PREFIX, "crash campaign")
