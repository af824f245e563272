"""Which commands the group offers, and what it says of those that it cannot offer."""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import click
import pytest
from click.testing import CliRunner

from dbt_retry_plus.startup.registration import register
from tests.packaging.distributions import HELLO_COMMAND, Distribution

Install = Callable[[Distribution], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    monkeypatch.syspath_prepend(tmp_path)
    return lambda distribution: distribution.unpack(tmp_path)


@pytest.fixture
def group() -> click.Group:
    @click.group()
    def cli() -> None:
        """A command line."""

    @cli.command()
    def run() -> None:
        """Run the host's own command."""
        click.echo("the host's own run")

    module = ModuleType("command_line")
    module.cli = cli
    register(module)
    return cli


def test_an_installed_command_runs_with_its_options(install: Install, group: click.Group) -> None:
    install(Distribution("hello-dist", {"hello": "hello_module_a:hello"}, {"hello_module_a": HELLO_COMMAND}))
    result = CliRunner().invoke(group, ["hello", "--name", "dbt"])
    assert (result.exit_code, result.stdout, result.stderr) == (0, "hello, dbt\n", "")


def test_help_lists_own_and_installed_commands_in_one_order(install: Install, group: click.Group) -> None:
    install(Distribution("hello-dist", {"hello": "hello_module_b:hello"}, {"hello_module_b": HELLO_COMMAND}))
    result = CliRunner().invoke(group, ["--help"])
    assert "  hello       Say hello.\n" in result.stdout
    lines = [line.split()[0] for line in result.stdout.partition("Commands:\n")[2].splitlines()]
    assert lines == ["hello", "retry-plus", "run"]


def test_the_own_commands_are_found_without_a_look_at_what_is_installed(
    group: click.Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: str) -> None:
        raise AssertionError("the installed distributions were searched")

    monkeypatch.setattr("importlib.metadata.entry_points", fail)
    assert CliRunner().invoke(group, ["run"]).stdout == "the host's own run\n"


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("class Panic(BaseException): pass\nraise Panic", "Panic"),
        ("", "AttributeError: module 'broken_module' has no attribute 'command'"),
        (
            "raise ValueError('two\\nlines \\x1b[31m and \\x07 bells')",
            "ValueError: two lines ?[31m and ? bells",
        ),
    ],
)
def test_a_command_that_cannot_be_loaded_is_named_in_one_line(
    install: Install, group: click.Group, source: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "broken_module", raising=False)
    install(Distribution("broken-dist", {"broken": "broken_module:command"}, {"broken_module": source}, "4.5"))
    result = CliRunner().invoke(group, ["--help"])
    assert result.exit_code == 0
    assert result.stderr == (f"dbt-retry-plus: command 'broken' of broken-dist 4.5 cannot be loaded: {fault}\n")
    assert "broken" not in result.stdout
    assert "run" in result.stdout


def test_a_command_that_cannot_be_loaded_is_unknown_when_it_is_typed(install: Install, group: click.Group) -> None:
    install(Distribution("broken-dist", {"broken": "no_such_module_at_all:command"}))
    result = CliRunner().invoke(group, ["broken"])
    assert result.exit_code == 2
    first, *others = result.stderr.splitlines()
    assert first.startswith("dbt-retry-plus: command 'broken' of broken-dist 1.0 cannot be loaded: ")
    assert any("No such command 'broken'" in line for line in others)


def test_a_name_that_nobody_offers_is_unknown_and_nothing_else_is_said(group: click.Group) -> None:
    result = CliRunner().invoke(group, ["no-such-command"])
    assert result.exit_code == 2
    assert "No such command 'no-such-command'" in result.stderr
    assert "dbt-retry-plus:" not in result.stderr


def test_ctrl_c_during_the_loading_of_a_command_is_passed_on(install: Install, group: click.Group) -> None:
    source = "raise KeyboardInterrupt"
    install(Distribution("slow-dist", {"slow": "slow_module:command"}, {"slow_module": source}))
    with pytest.raises(KeyboardInterrupt):
        group.get_command(click.Context(group), "slow")


def test_what_is_not_a_click_command_is_named_with_its_kind(install: Install, group: click.Group) -> None:
    source = "def command(): pass"
    install(Distribution("plain-dist", {"plain": "plain_module:command"}, {"plain_module": source}))
    result = CliRunner().invoke(group, ["plain"])
    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == (
        "dbt-retry-plus: command 'plain' of plain-dist 1.0 is left out: not a click command but function"
    )


def test_one_name_from_two_distributions_is_left_out_and_both_are_named(install: Install, group: click.Group) -> None:
    for letter in "ba":
        target = {"hello": f"hello_module_{letter}{letter}:hello"}
        install(Distribution(f"dist-{letter}", target, {f"hello_module_{letter}{letter}": HELLO_COMMAND}))
    result = CliRunner().invoke(group, ["hello"])
    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == (
        "dbt-retry-plus: command 'hello' is left out: dist-a 1.0 and dist-b 1.0 all offer it; uninstall all but one"
    )


def test_a_name_of_the_group_itself_cannot_be_taken(install: Install, group: click.Group) -> None:
    source = HELLO_COMMAND + "\nraise RuntimeError('loaded, though it can never be used')\n"
    install(Distribution("greedy-dist", {"run": "greedy_module:hello"}, {"greedy_module": source}))
    assert CliRunner().invoke(group, ["run"]).stdout == "the host's own run\n"
    result = CliRunner().invoke(group, ["--help"])
    assert result.stderr == (
        "dbt-retry-plus: command 'run' of greedy-dist 1.0 is left out: dbt has a command of that name\n"
    )
    assert "Run the host's own command." in result.stdout


def test_a_fault_is_reported_once_in_a_process(install: Install, group: click.Group) -> None:
    install(Distribution("broken-dist", {"broken": "no_such_module_at_all:command"}))
    first, second = (CliRunner().invoke(group, ["--help"]) for _ in range(2))
    assert len(first.stderr.splitlines()) == 1
    assert second.stderr == ""


def test_a_very_long_fault_is_cut(install: Install, group: click.Group) -> None:
    source = "raise ValueError('x' * 5000)"
    install(Distribution("long-dist", {"long": "long_module:command"}, {"long_module": source}))
    line = CliRunner().invoke(group, ["--help"]).stderr.removesuffix("\n")
    assert (len(line), line[-2:]) == (400, "x…")


def test_a_distribution_with_unreadable_metadata_is_still_reported(
    install: Install, group: click.Group, tmp_path: Path
) -> None:
    install(Distribution("damaged-dist", {"damaged": "no_such_module_at_all:command"}))
    (tmp_path / "damaged_dist-1.0.dist-info" / "METADATA").unlink()
    result = CliRunner().invoke(group, ["--help"])
    assert result.exit_code == 0
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith(
        "dbt-retry-plus: command 'damaged' of a distribution with unreadable metadata cannot be loaded: "
    )


def test_a_distribution_whose_entry_points_cannot_be_read_takes_nobody_else_along(
    install: Install, group: click.Group, tmp_path: Path
) -> None:
    # What dbt is built on reads entry points as well while it is imported, which is over when dbt lists its commands.
    importlib.import_module("dbt_retry_plus.cli.retry_plus")
    install(Distribution("hello-dist", {"hello": "hello_module_c:hello"}, {"hello_module_c": HELLO_COMMAND}))
    install(Distribution("damaged-dist", {"damaged": "module:command"}, version="0.9"))
    (tmp_path / "damaged_dist-0.9.dist-info" / "entry_points.txt").write_bytes(b"[dbt.cli.commands]\n\xff = x")
    result = CliRunner().invoke(group, ["--help"])
    assert result.exit_code == 0
    assert result.stderr.startswith(
        "dbt-retry-plus: entry points of damaged-dist 0.9 cannot be read: UnicodeDecodeError: "
    )
    assert len(result.stderr.splitlines()) == 1
    lines = [line.split()[0] for line in result.stdout.partition("Commands:\n")[2].splitlines()]
    assert lines == ["hello", "retry-plus", "run"]


def test_a_closed_stderr_does_not_stop_the_command_line(
    install: Install, group: click.Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(Distribution("broken-dist", {"broken": "no_such_module_at_all:command"}))
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr("sys.stderr", closed)
    assert group.get_command(click.Context(group), "broken") is None
