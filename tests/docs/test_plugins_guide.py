"""What docs/plugins.md tells plugin authors works, word for word."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from dbt_retry_plus.hook_kinds import KIND_OF_HOOK

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
DBT = str(Path(sys.executable).with_name("dbt"))


def fenced(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, flags=re.DOTALL | re.MULTILINE)


def test_every_hook_is_in_the_table_with_its_kind_in_the_order_of_the_calls() -> None:
    rows = re.findall(r"^\| `(retry_plus_\w+)` \| (\w+) \|", GUIDE, flags=re.MULTILINE)
    assert rows == [(name, kind.value) for name, kind in KIND_OF_HOOK.items()]
    for name in KIND_OF_HOOK:
        assert name.removeprefix("retry_plus_") in fenced("text")[1]


def test_the_tests_of_the_first_check(tmp_path: Path) -> None:
    check, conftest, tests = fenced("python")[:3]
    for name, text in (("retry_plus_hooks", check), ("conftest", conftest), ("test_hooks", tests)):
        (tmp_path / f"{name}.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path],
        cwd=tmp_path,
        text=True,
        capture_output=True,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout


def test_the_first_check(tmp_path: Path) -> None:
    files = {
        "dbt_project.yml": "{name: shop, version: '1.0', profile: shop, config-version: 2}",
        "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}",
        "models/late.sql": "select * from raw.late",
        "models/below.sql": "select * from {{ ref('late') }}",
        "retry_plus_hooks.py": fenced("python")[0],
        "dbt_retry_plus.yml": fenced("yaml")[0],
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)

    def dbt(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "DBT_PROFILES_DIR": str(tmp_path), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
        return subprocess.run(
            [DBT, *arguments], cwd=tmp_path, env=environment, text=True, capture_output=True, check=False
        )

    build = dbt("build")
    assert build.returncode == 1, build.stdout
    shown = dbt("retry-plus", "--dry-run")
    assert shown.returncode == 2
    assert fenced("text")[0].strip() in shown.stdout
    assert dbt("retry-plus").returncode == 2
    forced = dbt("retry-plus", "--force")
    assert forced.returncode == 1  # the table has not arrived
    assert "[project/closing-the-books]" in forced.stdout
    settings = fenced("yaml")[0] + "checks: {project/closing-the-books: ignore}\n"
    (tmp_path / "dbt_retry_plus.yml").write_text(settings)
    assert "closing" not in dbt("retry-plus").stdout
