"""What Airflow is told, and that nothing of it takes dbt, nor anything else of ours Airflow."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

import dbt_retry_plus
from dbt_retry_plus.airflow.provider import get_provider_info

PACKAGE = Path(dbt_retry_plus.__file__).parent


def test_the_entry_point_is_the_provider() -> None:
    (found,) = (e for e in entry_points(group="apache_airflow_provider") if e.dist and e.dist.name == "dbt-retry-plus")
    assert found.load() is get_provider_info


def test_what_is_named_is_there() -> None:
    told = get_provider_info()
    (decorator,) = told["task-decorators"]
    for name in (decorator["class-name"], *told["extra-links"]):
        module, _, attribute = name.rpartition(".")
        found = find_spec(module)
        assert found is not None and found.origin is not None
        assert re.search(rf"^(def|class) {attribute}\b", Path(found.origin).read_text(), flags=re.MULTILINE)


def test_only_one_folder_imports_airflow() -> None:
    imports = re.compile(r"^\s*(from|import) airflow\b", flags=re.MULTILINE)
    found = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if imports.search(path.read_text())}
    assert found == {"airflow/compat.py"}


def test_its_pure_parts_take_neither_dbt_nor_airflow() -> None:
    code = (
        "import sys, dbt_retry_plus.airflow.provider, dbt_retry_plus.airflow.task, dbt_retry_plus.airflow.outcome, "
        "dbt_retry_plus.airflow.process, dbt_retry_plus.ledger.reports; "
        "print([name for name in sys.modules if name.partition('.')[0] in sys.argv])"
    )
    needed = ("dbt", "airflow", "click", "pluggy", "filelock", "fsspec", "yaml")
    done = subprocess.run([sys.executable, "-c", code, *needed], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
