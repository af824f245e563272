"""One process with dbt imported, and one folder to set projects up in, for all functional tests of a pytest process."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.support.fast_scenes import Scene, layered_scene
from tests.support.inline_projects import Workshop
from tests.support.invocations import WarmDbt
from tests.support.warehouses import DuckDB

# `COMMAND_UNDER_TEST=retry pytest tests/functional` compares upstream with itself, to prove the harness steady.
COMMAND = os.environ.get("COMMAND_UNDER_TEST", "retry-plus")


@pytest.fixture(scope="session")
def warm_dbt() -> Iterator[WarmDbt]:
    warm = WarmDbt()
    yield warm
    warm.close()


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory, warm_dbt: WarmDbt) -> Workshop:
    root = tmp_path_factory.mktemp("workshop")
    return Workshop(root, DuckDB(root / "warehouse.duckdb"), warm_dbt, COMMAND)


@pytest.fixture(scope="session")
def layered(tmp_path_factory: pytest.TempPathFactory, warm_dbt: WarmDbt) -> Scene:
    """A generated project after a build in which a few nodes failed; what they lacked has arrived."""
    return layered_scene(tmp_path_factory.mktemp("layered"), warm_dbt)
