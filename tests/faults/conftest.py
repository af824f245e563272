"""How many faults, which ones, and what became of all of them.

FAULTS_COUNT is their number, FAULTS_SEED the seed of the campaign; a failed one is replayed with FAULTS_REPLAY=<its seed>.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.faults.case import case_of
from tests.faults.duckdb_stage import DuckdbStage
from tests.faults.postgres_stage import PostgresStage, postgres_stage
from tests.support.campaigns import choose, report_totals
from tests.support.invocations import WarmDbt
from tests.support.postgres import PostgresUnavailableError
from tests.support.services import running_service

DEFAULT_COUNT = 4  # on five minors: 20
PREFIX = "faults: "


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    choose(metafunc, "case", "FAULTS", DEFAULT_COUNT, case_of)


@pytest.fixture(scope="session")
def warm() -> Iterator[WarmDbt]:
    warm = WarmDbt()
    yield warm
    warm.close()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory, warm: WarmDbt) -> Iterator[PostgresStage]:
    try:
        with postgres_stage(tmp_path_factory.mktemp("faults"), warm) as stage:
            yield stage
    except PostgresUnavailableError as error:
        if os.environ.get("CI", "").lower() in {"true", "1"}:
            pytest.fail(f"No PostgreSQL server, and the environment says CI: {error}")
        pytest.skip(f"No PostgreSQL server: {error}")


@pytest.fixture(scope="session")
def duckdb(tmp_path_factory: pytest.TempPathFactory, warm: WarmDbt) -> Iterator[DuckdbStage]:
    with running_service() as service:
        yield DuckdbStage(tmp_path_factory.mktemp("faults"), warm, service)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    report_totals(terminalreporter, PREFIX, "faults")
