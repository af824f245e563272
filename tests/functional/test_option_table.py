"""The table of options names each option of each command that can be retried, in this version of dbt-core."""

from __future__ import annotations

import click
import pytest
from dbt.cli import main

from dbt_retry_plus.cli.retry_plus import retry_plus
from dbt_retry_plus.commands import COMMAND_NAMES, RETRYABLE_COMMANDS
from dbt_retry_plus.planning.options import TREATMENT, Treatment

pytestmark = pytest.mark.every_minor


def options_of(which: str) -> set[str]:
    command: click.Command = main.cli
    names = {str(parameter.name) for parameter in command.params}
    for word in COMMAND_NAMES.get(which, which).split():
        assert isinstance(command, click.Group)
        command = command.commands[word]
    return names | {str(parameter.name) for parameter in command.params}


@pytest.mark.parametrize("which", sorted(RETRYABLE_COMMANDS))
def test_every_option_has_a_treatment(which: str) -> None:
    assert options_of(which) - TREATMENT.keys() == set()


def test_what_only_the_original_takes_cannot_be_given_to_a_retry() -> None:
    ours = {str(parameter.name) for parameter in [*main.cli.params, *retry_plus.params] if parameter.name != "output"}
    original_only = {name for name, treatment in TREATMENT.items() if treatment is Treatment.ORIGINAL}
    assert ours & original_only == set()
    everything = set().union(*(options_of(which) for which in RETRYABLE_COMMANDS))
    assert everything - ours - original_only == set()
