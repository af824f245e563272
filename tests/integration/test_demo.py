from __future__ import annotations

import os
import pty
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import CliRunner

from dbt_retry_plus.cli import demo as demo_module

SCRIPT = Path(sys.executable).with_name("dbt-retry-plus")


def demo(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SCRIPT), "demo", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        text=True,
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.every_minor
def test_the_demo_shows_the_main_job(tmp_path: Path) -> None:
    shown = demo(tmp_path, DBT_TARGET="nowhere", DBT_PROFILES_DIR="/nowhere", PATH="/usr/bin:/bin")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    build, retry = shown.stdout.split("$ dbt retry-plus", 1)
    assert "$ dbt build" in build
    assert "ERROR=1" in build
    assert "-    amout / 100 as amount" in build
    assert "+    amount / 100 as amount" in build
    assert "1 of 10 START sql view model main.stg_payments" in retry
    assert "raw_customers" not in retry
    assert "ERROR=0" in retry
    assert "All is built and tested: 4 customers and 5 orders." in retry
    assert (tmp_path / "dbt-retry-plus-demo" / "target" / "run_results.json").is_file()
    assert "\x1b" not in shown.stdout, "colours in a file or a pipe"

    command = shown.stdout.rsplit("$ ", 1)[1].strip()
    assert command == f"cd dbt-retry-plus-demo && {SCRIPT.with_name('dbt')} retry-plus"
    again = subprocess.run(command, shell=True, cwd=tmp_path, text=True, capture_output=True, check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Nothing to retry" in again.stdout


def test_an_activated_environment_needs_no_path(monkeypatch: pytest.MonkeyPatch) -> None:
    dbt = str(SCRIPT.with_name("dbt"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert demo_module._as_typed(dbt) == dbt
    monkeypatch.setenv("PATH", f"{SCRIPT.parent}:/usr/bin:/bin")
    assert demo_module._as_typed(dbt) == "dbt"


def printed_at_a_terminal(**environment: str) -> bytes:
    """What the demo's own functions print when standard output is a terminal."""
    terminal, other_end = pty.openpty()
    step = "from dbt_retry_plus.cli import demo; demo._say('A step', 'dbt build'); print(demo._wants_colors())"
    known = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    try:
        subprocess.run([sys.executable, "-c", step], stdout=other_end, env={**known, **environment}, check=True)
        return os.read(terminal, 10_000)
    finally:
        os.close(terminal)
        os.close(other_end)


def test_a_terminal_gets_colours_unless_told_otherwise() -> None:
    assert b"\x1b[" in printed_at_a_terminal()
    plain = printed_at_a_terminal(NO_COLOR="1")
    assert b"==> A step" in plain
    assert b"False" in plain
    assert b"\x1b" not in plain


def test_without_duckdb_it_names_the_package_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_installed(name: str) -> NoReturn:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(demo_module, "version", not_installed)
    monkeypatch.chdir(tmp_path)
    refused = CliRunner().invoke(demo_module.demo)
    assert refused.exit_code == 2
    assert refused.output == "The demo needs DuckDB. Install it with: pip install 'dbt-retry-plus[duckdb]'\n"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").write_text("kept")
    refused = demo(tmp_path, "mine")
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr.splitlines() == [
        "mine is there already and is not an empty folder. Name another: dbt-retry-plus demo FOLDER"
    ]
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["precious"]


@pytest.mark.parametrize("folder", ["file", "file/below"])
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").write_text("kept")
    refused = demo(tmp_path, folder)
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert "dbt-retry-plus demo FOLDER" in refused.stderr
    assert (tmp_path / "file").read_text() == "kept"
