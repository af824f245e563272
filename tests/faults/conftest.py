"""How many faults, which ones, and what became of all of them.

FAULTS_COUNT is their number, FAULTS_SEED the seed of the campaign; a failed one is replayed with FAULTS_REPLAY=<its seed>.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.faults.case import case_of
from tests.faults.duckdb_stage import DuckdbStage
from tests.faults.postgres_stage import PostgresStage, postgres_stage
from tests.support.invocations import WarmDbt, dbt_version
from tests.support.postgres import PostgresUnavailableError
from tests.support.services import running_service

DEFAULT_COUNT = 4  # on five minors: 20
PREFIX = "faults: "


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" not in metafunc.fixturenames:
        return
    replayed = os.environ.get("FAULTS_REPLAY")
    # Each minor of dbt-core gets faults of its own.
    campaign = os.environ.get("FAULTS_SEED", ".".join(map(str, dbt_version())))
    count = int(os.environ.get("FAULTS_COUNT", DEFAULT_COUNT))
    seeds = replayed.split(",") if replayed else [f"{campaign}-{number}" for number in range(count)]
    metafunc.parametrize("case", [case_of(seed) for seed in seeds], ids=str)


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
    totals: Counter[str] = Counter()
    for report in [*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ())]:
        for name, value in getattr(report, "user_properties", ()):
            if name.startswith(PREFIX):
                totals[name.removeprefix(PREFIX)] += value
    if totals:
        terminalreporter.section("faults")
        for name, number in totals.items():
            terminalreporter.write_line(f"{number:5} {name}")
