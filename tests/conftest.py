"""Fixtures of all tests: a PostgreSQL server, and projects on it or on DuckDB."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.postgres import PostgresServer, PostgresUnavailableError, running_postgres
from tests.support.projects import Adapter, DbtProject, copy_of, copy_project
from tests.support.shares import share
from tests.support.stores import S3Server, running_s3

ProjectFactory = Callable[..., DbtProject]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the older minors of dbt-core share the tests that take seconds each; tox.ini gives out the shares."""
    parser.addoption(
        "--share", type=share, default="1/1", metavar="N/OF", help="run this share of the tests that run dbt"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known: `-m 'not postgres'` leaves a whole server out."""
    config.addinivalue_line("markers", "postgres: the test needs a PostgreSQL server")
    config.addinivalue_line("markers", "every_minor: the test belongs to every --share")
    # A shell without job control has what it starts in the background ignore Ctrl-C, and so would every dbt of ours.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what belongs to another share. Unit tests are quick, some tests have sense on some minors only: all run those."""
    own = config.getoption("--share")
    left_out = [
        item
        for item in items
        if not own.holds(item.nodeid)
        and not any(item.get_closest_marker(name) for name in ("every_minor", "skipif"))
        and "unit" not in item.path.parts
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server, one for each process that runs tests. In CI its lack is a failure."""
    server = running_postgres()
    try:
        running = server.__enter__()
    except PostgresUnavailableError as error:
        if os.environ.get("CI", "").lower() in {"true", "1"}:
            pytest.fail(f"No PostgreSQL server, and the environment says CI: {error}")
        pytest.skip(f"No PostgreSQL server: {error}")
    try:
        yield running
    finally:
        server.__exit__(None, None, None)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A real S3 API over HTTP, one for each process that runs tests."""
    pytest.importorskip("moto", reason="moto cannot be installed with this Python")
    pytest.importorskip("s3fs", reason="s3fs cannot be installed with this Python")
    with running_s3() as server:
        yield server


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def adapter(request: pytest.FixtureRequest) -> Adapter:
    """Each kind of warehouse in turn."""
    kind: Adapter = request.param
    return kind


@pytest.fixture
def new_project(request: pytest.FixtureRequest, tmp_path: Path) -> ProjectFactory:
    """Make a fresh project: `new_project("jaffle_shop", "postgres", folder="first", threads=1)`."""

    def make(
        name: str = "jaffle_shop", adapter: Adapter = "duckdb", *, folder: str | None = None, threads: int = 4
    ) -> DbtProject:
        server = request.getfixturevalue("postgres_server") if adapter == "postgres" else None
        return copy_project(name, tmp_path / (folder or name), adapter, server, threads)

    return make


@pytest.fixture
def jaffle_shop(new_project: ProjectFactory, adapter: Adapter) -> DbtProject:
    """A fresh jaffle_shop, on each kind of warehouse."""
    return new_project("jaffle_shop", adapter)


@pytest.fixture
def jaffle_shop_duckdb(new_project: ProjectFactory) -> DbtProject:
    """A fresh jaffle_shop on DuckDB."""
    return new_project("jaffle_shop", "duckdb")


@pytest.fixture
def jaffle_shop_postgres(new_project: ProjectFactory) -> DbtProject:
    """A fresh jaffle_shop on PostgreSQL; mark the test with `postgres`."""
    return new_project("jaffle_shop", "postgres")


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[object, ...], DbtProject]:
    """The DuckDB projects that `project_after` has run a command in, kept for the tests that follow."""
    return {}


@pytest.fixture
def project_after(
    templates: dict[tuple[object, ...], DbtProject], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> ProjectFactory:
    """Make a DuckDB project in which a command has run, copied from the first one that ran it.

    `project_after("build", failing=("orders",))` is a jaffle_shop after a build in which `orders` failed; its
    switch is still on.
    """

    def make(
        *command: str, failing: tuple[str, ...] = (), name: str = "jaffle_shop", folder: str | None = None
    ) -> DbtProject:
        key = (name, command, failing)
        if key not in templates:
            template = copy_project(name, tmp_path_factory.mktemp("template") / name)
            for node in failing:
                template.set_switch(node)
            template.dbt(*command, exit_code=1 if failing else 0)
            templates[key] = template
        return copy_of(templates[key], tmp_path / (folder or name))

    return make
