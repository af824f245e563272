"""What the wheel and the source distribution hold: all that they should, and nothing else."""

from __future__ import annotations

import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from tests.packaging.conftest import Built
from tests.packaging.virtual_environments import CHECKOUT

METADATA = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
STARTUP_FILES = {"dbt_retry_plus.pth", "dbt_retry_plus.start"}


def package_files() -> set[str]:
    """The files of the package in the checkout, code and data, without what lies beside it in site-packages."""
    package = CHECKOUT / "dbt_retry_plus"
    ignored = {".pyc", ".pth", ".start"}
    return {
        str(path.relative_to(CHECKOUT)) for path in package.rglob("*") if path.is_file() and path.suffix not in ignored
    }


@pytest.fixture
def wheel_metadata(built: Built) -> Message:
    with zipfile.ZipFile(built.wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def test_the_wheel_holds_the_package_the_startup_files_and_its_metadata(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        names = archive.namelist()
    metadata = {name for name in names if ".dist-info/" in name}
    assert {name.partition(".dist-info/")[2] for name in metadata} == METADATA
    assert set(names) - metadata == package_files() | STARTUP_FILES
    assert len(names) == len(set(names))


def test_the_wheel_is_typed_and_runs_on_every_platform(built: Built) -> None:
    assert built.wheel.name == "dbt_retry_plus-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(built.wheel) as archive:
        assert archive.read("dbt_retry_plus/py.typed") == b""


def test_the_startup_files_of_the_wheel_are_those_of_the_checkout(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        for name in STARTUP_FILES:
            assert archive.read(name) == (CHECKOUT / "dbt_retry_plus" / "startup" / name).read_bytes()


def test_the_source_distribution_holds_what_a_build_and_a_test_run_need(built: Built) -> None:
    with tarfile.open(built.source) as archive:
        names = {str(Path(*Path(name).parts[1:])) for name in archive.getnames()}
    startup_files = {f"dbt_retry_plus/startup/{name}" for name in STARTUP_FILES}
    assert package_files() | startup_files <= names
    assert {"pyproject.toml", "LICENSE", "README.md", "CHANGELOG.md", "tox.ini", "toxfile.py", "PKG-INFO"} <= names
    assert {"tests/packaging/test_built_files.py", "integration_projects/jaffle_shop/dbt_project.yml"} <= names
    folders = {name.split("/")[0] for name in names if "/" in name}
    assert folders == {"dbt_retry_plus", "docs", "integration_projects", "tests"}
    leftovers = {name for name in names if "__pycache__" in name or name.endswith((".pyc", ".duckdb", ".log"))}
    assert leftovers == set()


def test_the_metadata_names_what_is_needed_and_which_versions(wheel_metadata: Message) -> None:
    needed = {text for text in wheel_metadata.get_all("Requires-Dist", []) if "extra ==" not in text}
    assert needed == {
        "click<9,>=8.0.2",
        "dbt-core<2,>=1.8",
        "filelock>=3.12",
        "jinja2<4,>=3.1",
        "junitparser>=4",
        "orjson>=3.10",
        "pluggy<2,>=1.6",
        "tenacity>=8.2",
    }
    assert wheel_metadata["Requires-Python"] == ">=3.10"
    assert wheel_metadata["License-Expression"] == "Apache-2.0"
    assert set(wheel_metadata.get_all("Provides-Extra", [])) == {"airflow", "dev", "duckdb", "remote", "testing"}
