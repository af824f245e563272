"""The built distributions, and environments with dbt in them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.packaging.virtual_environments import CHECKOUT, Environment, uv

EnvironmentFactory = Callable[..., Environment]


@dataclass(frozen=True)
class Built:
    """What a release would upload; the wheel is built from the source distribution, as installers do it."""

    wheel: Path
    source: Path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "-q", "--python", sys.executable, "--out-dir", folder, CHECKOUT, folder=folder)
    (wheel,) = folder.glob("*.whl")
    (source,) = folder.glob("*.tar.gz")
    return Built(wheel, source)


@pytest.fixture(scope="session")
def frozen_dbt(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an installer resolves for our wheel today, as a list of exact versions without ourselves."""
    folder = tmp_path_factory.mktemp("resolved")
    environment = Environment.create(folder / "environment")
    environment.install(built.wheel)
    environment.uninstall("dbt-retry-plus")
    frozen = folder / "requirements.txt"
    frozen.write_text(uv("pip", "freeze", "--python", environment.python, folder=folder))
    return frozen


@pytest.fixture
def dbt_environment(tmp_path: Path, frozen_dbt: Path) -> EnvironmentFactory:
    """Make a virtual environment with dbt-core, all that it needs, and the wheels given."""

    def make(*wheels: Path, name: str = "environment", options: tuple[str, ...] = ()) -> Environment:
        environment = Environment.create(tmp_path / name, *options)
        environment.install_frozen(frozen_dbt, *wheels)
        return environment

    return make


@pytest.fixture
def installed(dbt_environment: EnvironmentFactory, built: Built) -> Environment:
    """A virtual environment with dbt-core and our wheel."""
    return dbt_environment(built.wheel)
