"""The two files that an interpreter reads as it starts."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

from dbt_retry_plus.startup import install

STARTUP_FOLDER = Path(__file__).parents[3] / "dbt_retry_plus" / "startup"
CHECKOUT = STARTUP_FOLDER.parents[1]


def effective_lines(name: str) -> list[str]:
    lines = (STARTUP_FOLDER / name).read_text(encoding="ascii").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def run_line(line: str, *search_path: Path) -> subprocess.CompletedProcess[str]:
    code = f"""
import os, stat, sys
sys.path[:0] = {[str(path) for path in search_path]!r}
before = set(sys.modules)
exec({line!r})
print(*sorted(set(sys.modules) - before))
print(type(sys.meta_path[0]).__qualname__ if not isinstance(sys.meta_path[0], type) else None)
"""
    command = [sys.executable, "-I", "-S", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_pth_file_has_one_line_and_the_start_file_names_the_same_function() -> None:
    (line,) = effective_lines("dbt_retry_plus.pth")
    assert line.startswith("import ")  # or an interpreter takes it for a folder
    assert "from dbt_retry_plus.startup import install; install()" in line
    (reference,) = effective_lines("dbt_retry_plus.start")
    assert pkgutil.resolve_name(reference) is install


def test_the_line_imports_nothing_but_itself_and_prints_nothing() -> None:
    (line,) = effective_lines("dbt_retry_plus.pth")
    result = run_line(line, CHECKOUT)
    assert result.stderr == ""
    assert result.stdout.splitlines() == ["dbt_retry_plus dbt_retry_plus.startup", "DbtCliFinder"]


def test_the_line_is_silent_when_the_package_is_gone() -> None:
    (line,) = effective_lines("dbt_retry_plus.pth")
    result = run_line(line)
    assert (result.stderr, result.stdout.splitlines()) == ("", ["", "None"])


def test_the_line_is_silent_when_half_of_the_package_is_gone(tmp_path: Path) -> None:
    (tmp_path / "dbt_retry_plus" / "__pycache__").mkdir(parents=True)
    (line,) = effective_lines("dbt_retry_plus.pth")
    result = run_line(line, tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
