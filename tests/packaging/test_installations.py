"""The ways to install, each in a real environment, with `dbt` run as a person runs it."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.packaging.conftest import Built, EnvironmentFactory
from tests.packaging.virtual_environments import CHECKOUT, Environment, run, uv
from tests.support.commands import DEMO_HELP

DISABLED = {"DBT_RETRY_PLUS_DISABLE": "1"}
HELP_LINE = "  retry-plus     Retry what the previous invocation left unproven.\n"


def test_dbt_lists_the_command_and_its_own(installed: Environment) -> None:
    result = installed.run("dbt", "--help")
    assert HELP_LINE in result.stdout
    assert "  retry          Retry the nodes that failed in the previous run.\n" in result.stdout
    assert result.stderr == ""


def test_every_way_to_call_the_command_finds_it(installed: Environment) -> None:
    usage = "Usage: dbt retry-plus [OPTIONS]"
    assert installed.run("dbt", "retry-plus", "--help").stdout.startswith(usage)
    assert installed.run("dbt-retry-plus", "--help").stdout.startswith(usage)
    assert installed.run("python", "-m", "dbt_retry_plus", "--help").stdout.startswith(usage)
    code = "from dbt.cli.main import dbtRunner; print(dbtRunner().invoke(['retry-plus', '--help']).success)"
    printed = installed.run("python", "-c", code).stdout
    assert "Usage: cli retry-plus [OPTIONS]" in printed  # dbtRunner calls the program so
    assert printed.endswith("True\n")


def test_the_script_prints_its_version_and_that_of_dbt(installed: Environment) -> None:
    dbt_version = installed.run("python", "-c", "from dbt.version import __version__ as v; print(v)").stdout
    expected = f"dbt-retry-plus 0.1.0 (dbt-core {dbt_version.strip()})\n"
    assert installed.run("dbt-retry-plus", "--version").stdout == expected


def test_the_script_lists_the_commands_that_need_no_dbt(installed: Environment) -> None:
    others = installed.run("dbt-retry-plus", "--help").stdout.partition("\nCommands:\n")[2]
    assert others.split()[0] == "demo"


def test_a_command_without_dbt_answers_without_importing_it(installed: Environment) -> None:
    printed = installed.run("python", "-c", DEMO_HELP).stdout
    assert printed.startswith("Usage: dbt-retry-plus demo")
    assert printed.endswith("[]\n")


def test_the_script_means_the_subcommand_and_ends_with_its_exit_code(installed: Environment) -> None:
    empty = installed.root / "empty"
    empty.mkdir()
    arguments = ["--project-dir", empty, "--profiles-dir", empty]
    subcommand = installed.run("dbt", "retry-plus", *arguments, exit_code=2)
    script = installed.run("dbt-retry-plus", *arguments, exit_code=2)
    assert f"'{empty}' is not a dbt project" in subcommand.stdout
    steady = [line.split("  ", 1)[-1] for line in subcommand.stdout.splitlines()]
    assert [line.split("  ", 1)[-1] for line in script.stdout.splitlines()] == steady
    unknown = installed.run("dbt-retry-plus", "--no-such-option", exit_code=2)
    assert "Usage: dbt retry-plus [OPTIONS]" in unknown.stderr


def test_disabled_dbt_is_as_it_was_and_the_script_still_works(
    installed: Environment, dbt_environment: EnvironmentFactory
) -> None:
    without_us = dbt_environment(name="without-us")
    for arguments in (["--help"], ["retry-plus"]):
        untouched = without_us.run("dbt", *arguments, exit_code=None)
        disabled = installed.run("dbt", *arguments, environment=DISABLED, exit_code=None)
        assert (disabled.returncode, disabled.stdout, disabled.stderr) == (
            untouched.returncode,
            untouched.stdout,
            untouched.stderr,
        )
    assert "No such command 'retry-plus'" in disabled.stderr
    script = installed.run("dbt-retry-plus", "--help", environment=DISABLED)
    assert script.stdout.startswith("Usage: dbt retry-plus [OPTIONS]")


def test_the_script_works_where_no_startup_file_is_read(installed: Environment) -> None:
    path = {"PYTHONPATH": str(installed.site_packages)}
    without_site = installed.run("python", "-S", "-m", "dbt_retry_plus", "--help", environment=path)
    assert without_site.stdout.startswith("Usage: dbt retry-plus [OPTIONS]")
    installed.site_packages.joinpath("dbt_retry_plus.pth").unlink()
    assert installed.run("dbt-retry-plus", "--help").stdout.startswith("Usage: dbt retry-plus [OPTIONS]")
    assert "retry-plus" not in installed.run("dbt", "--help").stdout


def test_a_process_without_dbt_imports_only_the_two_modules(installed: Environment) -> None:
    code = """
import sys
print(sorted(name for name in sys.modules if name.startswith("dbt")))
print(sorted({"importlib.metadata", "logging", "pathlib", "re", "typing", "click"} & set(sys.modules)))
"""
    assert installed.run("python", "-c", code).stdout.splitlines() == [
        "['dbt_retry_plus', 'dbt_retry_plus.startup']",
        "[]",
    ]


def test_uninstalling_leaves_nothing(dbt_environment: EnvironmentFactory, built: Built) -> None:
    environment = dbt_environment()
    before = environment.files()
    environment.install("--no-deps", built.wheel)
    environment.run("dbt", "--help")
    assert environment.files() > before
    environment.uninstall("dbt-retry-plus")
    assert environment.files() == before
    assert not (environment.site_packages / "dbt_retry_plus").exists()
    assert environment.run("dbt", "retry-plus", exit_code=2).stderr.count("No such command") == 1


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_an_editable_install_has_the_command_and_uninstalls_cleanly(
    dbt_environment: EnvironmentFactory, installer: str
) -> None:
    environment = dbt_environment(options=("--seed",))
    before = environment.files()
    if installer == "uv":
        environment.install("--no-deps", "-e", CHECKOUT)
    else:
        environment.run("python", "-m", "pip", "install", "-q", "--no-deps", "-e", CHECKOUT)
    code = "import dbt_retry_plus; print(dbt_retry_plus.__file__)"
    origin = environment.run("python", "-c", code).stdout.strip()
    assert Path(origin) == CHECKOUT / "dbt_retry_plus" / "__init__.py"
    assert HELP_LINE in environment.run("dbt", "--help").stdout
    assert not {name for name in environment.files() - before if "startup/" in name}, (
        "the package was copied instead of linked"
    )
    if installer == "uv":
        environment.uninstall("dbt-retry-plus")
    else:
        environment.run("python", "-m", "pip", "uninstall", "-q", "-y", "dbt-retry-plus")
    assert environment.files() == before


def test_dbt_discovers_the_package_of_an_editable_install_as_a_plugin_module(
    dbt_environment: EnvironmentFactory,
) -> None:
    environment = dbt_environment()
    environment.install("--no-deps", "-e", CHECKOUT)
    code = "import pkgutil; print('dbt_retry_plus' in {module.name for module in pkgutil.iter_modules()})"
    assert environment.run("python", "-c", code).stdout == "True\n"


def test_a_startup_file_that_outlived_the_package_is_silent(installed: Environment) -> None:
    shutil.rmtree(installed.site_packages / "dbt_retry_plus")
    result = installed.run("python", "-c", "print('still works')")
    assert (result.stdout, result.stderr) == ("still works\n", "")
    help_text = installed.run("dbt", "--help")
    assert help_text.stderr == ""
    assert "retry-plus" not in help_text.stdout


def test_a_tool_environment_of_its_own_has_dbt_and_the_script(built: Built, tmp_path: Path) -> None:
    place = {"UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = ("tool", "install", "-q", "--python", python, "--with-executables-from", "dbt-core", built.wheel)
    uv(*command, folder=tmp_path, environment=place)
    assert HELP_LINE in run(tmp_path / "bin" / "dbt", "--help", folder=tmp_path).stdout
    usage = run(tmp_path / "bin" / "dbt-retry-plus", "--help", folder=tmp_path).stdout
    assert usage.startswith("Usage: dbt retry-plus [OPTIONS]")
    uv("tool", "uninstall", "-q", "dbt-retry-plus", folder=tmp_path, environment=place)
    assert list((tmp_path / "bin").iterdir()) == []


@pytest.fixture
def system(tmp_path: Path) -> Environment:
    """An interpreter with a site-packages of its own, standing in for the one of the operating system."""
    root = tmp_path / "system"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = root / "lib" / version
    (library / "site-packages").mkdir(parents=True)
    for entry in Path(sysconfig.get_path("stdlib")).iterdir():
        if entry.name != "site-packages":
            (library / entry.name).symlink_to(entry)
    (root / "bin").mkdir()
    shutil.copy(Path(sys.executable).resolve(), root / "bin" / version)
    for name in ("python", "python3"):
        (root / "bin" / name).symlink_to(version)
    return Environment(root)


def with_system_packages(system: Environment, root: Path) -> Environment:
    return Environment.create(root, "--system-site-packages", python=system.python)


def test_installed_in_the_system_it_reaches_a_virtual_environment_on_top(
    system: Environment, built: Built, frozen_dbt: Path, tmp_path: Path
) -> None:
    system.install_frozen(frozen_dbt, built.wheel)
    on_top = with_system_packages(system, tmp_path / "on-top")
    code = "import sys; from dbt.cli.main import cli; cli.main(['--help'], prog_name='dbt')"
    assert HELP_LINE in on_top.run("python", "-c", code).stdout


def test_installed_in_a_virtual_environment_it_reaches_the_dbt_of_the_system(
    system: Environment, built: Built, frozen_dbt: Path, tmp_path: Path
) -> None:
    system.install_frozen(frozen_dbt)
    on_top = with_system_packages(system, tmp_path / "on-top")
    on_top.install("--no-deps", built.wheel)
    assert "retry-plus" not in system.run("dbt", "--help").stdout
    code = "from dbt.cli.main import cli; cli.main(['--help'], prog_name='dbt')"
    assert HELP_LINE in on_top.run("python", "-c", code).stdout
    assert on_top.run("dbt-retry-plus", "--help").stdout.startswith("Usage: dbt retry-plus [OPTIONS]")


def test_installed_in_both_it_is_found_once(
    system: Environment, built: Built, frozen_dbt: Path, tmp_path: Path
) -> None:
    system.install_frozen(frozen_dbt, built.wheel)
    on_top = with_system_packages(system, tmp_path / "on-top")
    on_top.install("--no-deps", "--reinstall", built.wheel)
    assert (on_top.site_packages / "dbt_retry_plus.pth").exists()
    code = """
import sys
print([type(finder).__qualname__ for finder in sys.meta_path].count("DbtCliFinder"))
from dbt.cli.main import cli
cli.main(["--help"], prog_name="dbt")
"""
    result = on_top.run("python", "-c", code)
    assert result.stdout.startswith("1\n")
    assert (result.stdout.count(HELP_LINE), result.stderr) == (1, "")
