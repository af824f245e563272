"""The script `dbt-retry-plus`, as far as it answers without running anything in a project."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import dbt_retry_plus
from tests.support import commands
from tests.support.commands import DEMO_HELP

SCRIPT = Path(sys.executable).with_name("dbt-retry-plus")
USAGE = "Usage: dbt retry-plus [OPTIONS]"


def run(
    *command: str | Path, exit_code: int = 0, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return commands.run(*command, environment={**os.environ, **(environment or {})}, exit_code=exit_code)


@pytest.mark.parametrize("disabled", ["0", "1"])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_is_that_of_the_subcommand_and_lists_the_other_commands(option: str, disabled: str) -> None:
    result = run(SCRIPT, option, environment={"DBT_RETRY_PLUS_DISABLE": disabled})
    subcommand, _, others = result.stdout.partition("\nCommands:\n")
    assert subcommand.startswith(USAGE)
    assert "--vars-replace" in subcommand
    named = [line.split()[0] for line in others.splitlines() if line[2] != " "]
    assert named == ["demo", "exec", "find", "history", "job", "plugins", "report", "show"]
    assert result.stderr == ""


@pytest.mark.parametrize("option", ["-V", "-v", "--version"])
def test_both_versions_are_printed(option: str) -> None:
    expected = f"dbt-retry-plus {dbt_retry_plus.__version__} (dbt-core {version('dbt-core')})\n"
    assert run(SCRIPT, option).stdout == expected


def test_the_module_is_the_script() -> None:
    assert run(sys.executable, "-m", "dbt_retry_plus", "--help").stdout == run(SCRIPT, "--help").stdout


def test_options_go_to_the_subcommand() -> None:
    result = run(SCRIPT, "--no-such-option", exit_code=2)
    assert result.stderr.startswith(USAGE)
    assert "No such option" in result.stderr


def test_dbt_sees_the_command_that_the_script_stands_for() -> None:
    code = """
import sys
sys.argv = ["/bin/dbt-retry-plus", "--no-such-option"]
from dbt_retry_plus.cli.console import main
try:
    main()
finally:
    print(sys.argv)
"""
    printed = run(sys.executable, "-c", code, exit_code=2).stdout
    assert printed == "['/bin/dbt-retry-plus', 'retry-plus', '--no-such-option']\n"


def test_a_command_without_dbt_answers_without_importing_it() -> None:
    lines = run(sys.executable, "-c", DEMO_HELP).stdout.splitlines()
    assert lines[0].startswith("Usage: dbt-retry-plus demo")
    assert lines[-1] == "[]"


def test_the_package_has_no_other_attribute_than_its_version() -> None:
    with pytest.raises(AttributeError, match="module 'dbt_retry_plus' has no attribute 'no_such_name'"):
        dbt_retry_plus.no_such_name  # noqa: B018 -- the look-up is what is tested


def test_a_version_that_nobody_recorded_is_not_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [str(Path(dbt_retry_plus.__file__).parents[1] / "dbt_retry_plus")])
    assert dbt_retry_plus.__version__ == "0+unknown"
