"""One Airflow for all tests of it, a worker that loses its folder, and the store that outlives it.

`AIRFLOW` names the script of an Airflow in an environment of its own; tox makes one.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.airflow.running import Airflow, running_airflow
from tests.support.stores import S3Server

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "integration_projects" / "airflow"


@dataclass(frozen=True)
class Worker:
    """Where tasks run: the project's folder on it, which is lost with it, and what is not."""

    project: Path
    files: Path
    warehouse: Path
    reports: Path

    def lose(self) -> None:
        """Let its folder be gone, and another worker take its place."""
        shutil.rmtree(self.project, ignore_errors=True)
        shutil.copytree(EXAMPLE / "shop", self.project)
        shutil.copytree(Path(__file__).parent / "models", self.project / "models", dirs_exist_ok=True)

    def deliver(self, name: str, text: str) -> None:
        (self.files / name).write_text(text)


@pytest.fixture(scope="session")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Worker:
    root = tmp_path_factory.mktemp("worker")
    made = Worker(root / "shop", root / "files", root / "warehouse.duckdb", root / "reports")
    made.files.mkdir()
    made.reports.mkdir()
    made.lose()
    return made


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory, worker: Worker, s3_server: S3Server) -> Iterator[Airflow]:
    script = os.environ.get("AIRFLOW")
    if not script:
        pytest.skip("AIRFLOW names no Airflow: run these tests with `tox run -e airflow2,airflow3`")
    home = tmp_path_factory.mktemp("airflow")
    dags = home / "dags"
    dags.mkdir()
    for file in (*(EXAMPLE / "dags").glob("*.py"), *(Path(__file__).parent / "dags").glob("*.py")):
        shutil.copy(file, dags)
    variables = {
        **s3_server.environment(),
        "DBT_RETRY_PLUS_LEDGER": f"s3://{s3_server.new_bucket()}/ledger",
        "SHOP_DBT": str(Path(sys.executable).with_name("dbt")),
        "SHOP_PROJECT": str(worker.project),
        "SHOP_FILES": str(worker.files),
        "SHOP_WAREHOUSE": str(worker.warehouse),
        "SHOP_REPORTS": str(worker.reports),
        "SHOP_RETRY_DELAY": "5",
    }
    with running_airflow(script, home, dags, variables) as running:
        yield running
