"""Distributions of others that add a dbt subcommand through the entry-point group `dbt.cli.commands`."""

from __future__ import annotations

from pathlib import Path

from tests.packaging.conftest import Built, EnvironmentFactory
from tests.packaging.distributions import HELLO_COMMAND, Distribution


def test_a_distribution_adds_a_subcommand_and_dbt_stays_as_it_was(
    dbt_environment: EnvironmentFactory, built: Built, tmp_path: Path
) -> None:
    hello = Distribution("dbt-hello", {"hello": "hello_module:hello"}, {"hello_module": HELLO_COMMAND})
    environment = dbt_environment(built.wheel, hello.wheel(tmp_path))
    assert environment.run("dbt", "hello", "--name", "dbt").stdout == "hello, dbt\n"
    help_text = environment.run("dbt", "--help").stdout
    assert "  hello          Say hello.\n" in help_text
    assert "  retry-plus     " in help_text
    environment.uninstall("dbt-hello")
    assert "No such command 'hello'" in environment.run("dbt", "hello", exit_code=2).stderr


def test_broken_and_greedy_distributions_are_named_and_dbt_goes_on_working(
    dbt_environment: EnvironmentFactory, built: Built, tmp_path: Path
) -> None:
    others = [
        Distribution("dbt-broken", {"broken": "broken_module:command"}, {"broken_module": "import nowhere"}),
        Distribution("dbt-greedy", {"run": "greedy_module:hello"}, {"greedy_module": HELLO_COMMAND}),
        Distribution("dbt-one", {"twice": "one_module:hello"}, {"one_module": HELLO_COMMAND}, "2.0"),
        Distribution("dbt-two", {"twice": "two_module:hello"}, {"two_module": HELLO_COMMAND}),
    ]
    environment = dbt_environment(built.wheel, *(other.wheel(tmp_path) for other in others))
    help_text = environment.run("dbt", "--help")
    assert help_text.stderr.splitlines() == [
        "dbt-retry-plus: command 'run' of dbt-greedy 1.0 is left out: dbt has a command of that name",
        (
            "dbt-retry-plus: command 'broken' of dbt-broken 1.0 cannot be loaded: "
            "ModuleNotFoundError: No module named 'nowhere'"
        ),
        "dbt-retry-plus: command 'twice' is left out: dbt-one 2.0 and dbt-two 1.0 all offer it; uninstall all but one",
    ]
    assert "  run            Compile SQL and execute" in help_text.stdout
    assert "  retry-plus     " in help_text.stdout
    # What dbt knows itself is run without a look at others, broken or not.
    assert environment.run("dbt", "run", "--help").stderr == ""
    assert environment.run("dbt", "--version").stderr == ""
    assert environment.run("dbt", "retry-plus", "--help").stderr == ""
