"""How a click group that exists already comes to offer installed commands."""

from __future__ import annotations

import copy
import sys
from types import ModuleType

import click
import pytest

from dbt_retry_plus.startup import DBT_CLI_MODULE, DISABLE_VARIABLE, install
from dbt_retry_plus.startup.registration import EntryPointGroup, register


class GroupOfItsOwnKind(click.Group):
    """A group as a dbt, or a library that dresses dbt up, may have it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return ["of-its-own-kind", *super().list_commands(ctx)]


def module_with(cli: object) -> ModuleType:
    module = ModuleType("command_line")
    module.cli = cli
    return module


def test_the_group_stays_the_object_that_others_hold() -> None:
    group = click.Group("dbt", help="A command line.")
    register(module_with(group))
    assert isinstance(group, EntryPointGroup)
    assert type(group).__name__ == "Group"
    assert group.help == "A command line."


def test_the_behaviour_of_a_group_of_another_class_is_kept() -> None:
    group = GroupOfItsOwnKind("dbt")
    register(module_with(group))
    assert isinstance(group, GroupOfItsOwnKind)
    assert group.list_commands(click.Context(group)) == ["of-its-own-kind", "retry-plus"]


def test_registering_again_changes_nothing() -> None:
    group = click.Group("dbt")
    register(module_with(group))
    before = (type(group), group.offered)
    register(module_with(group))
    assert (type(group), group.offered) == before


def test_a_copy_of_the_group_offers_the_commands_too() -> None:
    group = click.Group("dbt")
    register(module_with(group))
    duplicate = copy.copy(group)
    assert duplicate.get_command(click.Context(duplicate), "retry-plus") is not None


class GroupThatRefusesToChange(click.Group):
    """A group whose class cannot be changed."""

    def __setattr__(self, name: str, value: object) -> None:
        if name == "__class__":
            raise TypeError("the class of this object is fixed")
        super().__setattr__(name, value)


@pytest.mark.parametrize("cli", [None, "a string", click.Command("dbt"), GroupThatRefusesToChange("dbt")])
def test_what_is_not_a_group_that_can_change_is_left_as_it_is(cli: object) -> None:
    kind = type(cli)
    register(module_with(cli))
    assert type(cli) is kind


def test_installing_reaches_a_command_line_that_is_imported_already(monkeypatch: pytest.MonkeyPatch) -> None:
    group = click.Group("dbt")
    monkeypatch.setitem(sys.modules, DBT_CLI_MODULE, module_with(group))
    monkeypatch.delenv(DISABLE_VARIABLE, raising=False)
    install()
    assert isinstance(group, EntryPointGroup)


def test_disabled_nothing_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    group = click.Group("dbt")
    monkeypatch.setitem(sys.modules, DBT_CLI_MODULE, module_with(group))
    monkeypatch.setenv(DISABLE_VARIABLE, "1")
    install()
    assert type(group) is click.Group


def test_a_module_without_a_command_line_is_left_as_it_is() -> None:
    module = ModuleType("command_line")
    before = dict(vars(module))
    register(module)
    assert vars(module) == before
