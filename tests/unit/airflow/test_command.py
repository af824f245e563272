"""The dbt command of a task: what is taken, what is refused, and what its resumption is told."""

from __future__ import annotations

from typing import Any

import pytest

from dbt_retry_plus.airflow.command import CommandError, check_retry_options, read_command, resumption


@pytest.mark.parametrize("command", ["dbt build --select 'a b'", "build --select 'a b'", ["build", "--select", "a b"]])
def test_a_command_is_text_or_words(command: str | list[str]) -> None:
    assert read_command(command).words == ("build", "--select", "a b")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("", "has no dbt command"),
        ("dbt", "has no dbt command"),
        ([], "has no dbt command"),
        (None, "is None. Give a text"),
        ("dbt seed && dbt build", "'&&' outside of quotes"),
        ("build --vars $VARS", r"'\$' outside of quotes"),
        ("build 'x", "cannot be read"),
        ("--quiet build", "begins with the option '--quiet'"),
        ("retry", "the command that is to be resumed"),
        ("dbt retry-plus --select a", "the command that is to be resumed"),
        ("retry-plus job run nightly", "the command that is to be resumed"),
    ],
)
def test_what_cannot_be_resumed_is_refused(command: Any, says: str) -> None:
    with pytest.raises(CommandError, match=says):
        read_command(command)


def test_a_command_may_have_attempts_from_the_start() -> None:
    command = read_command("retry-plus exec --attempts 3 -- build --target prod")
    assert command.options_of_place == ("--target", "prod")


def test_a_resumption_looks_where_the_command_worked() -> None:
    command = read_command("build -tprod --vars '{a: 1}' --profiles-dir=/p --select --target-path t --project-dir q")
    assert command.options_of_place == (
        *("--target", "prod", "--profiles-dir", "/p", "--target-path", "t", "--project-dir", "q"),
    )
    assert command.options_of_ledger == ("--target-path", "t", "--project-dir", "q")
    assert read_command("build --vars --target").options_of_place == ()
    assert read_command("build -t prod").options_of_place == ("--target", "prod")


def test_what_jinja_is_given_is_not_shown() -> None:
    shown = read_command(["build", "--vars", "{token: s3cret}", "--args={a: s3cret}", "--select", "a b"]).shown
    assert shown == "dbt build --vars … --args=… --select 'a b'"


@pytest.mark.parametrize("option", ["--dry-run", "--invocation", "--invocation=a", "--help", "--confirm", "--output"])
def test_options_that_would_keep_a_resumption_from_running_are_refused(option: str) -> None:
    with pytest.raises(CommandError, match=option):
        check_retry_options(["--attempts", "3", option])


def test_other_options_of_a_resumption_are_handed_on() -> None:
    assert check_retry_options(["--attempts", "3"]) == ("--attempts", "3")
    with pytest.raises(CommandError, match="Give a list"):
        check_retry_options("--attempts 3")


def test_a_resumption_names_its_invocation_twice() -> None:
    words = resumption("4f3a91c0", read_command("build --select a --target prod"))
    assert words == (
        *("retry-plus", "--invocation", "4f3a91c0", "--expect-invocation", "4f3a91c0", "--target", "prod"),
    )
