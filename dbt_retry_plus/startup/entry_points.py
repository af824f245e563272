"""The dbt subcommands that installed distributions offer through the entry-point group `dbt.cli.commands`."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable
from importlib.metadata import Distribution, EntryPoint

import click

from dbt_retry_plus.texts import one_line

COMMAND_GROUP = "dbt.cli.commands"
LONGEST_REPORT = 400


class OfferedCommands:
    """What the installed distributions offer: looked up once, loaded one by one, each fault reported once."""

    def __init__(self) -> None:
        """Look at nothing yet: most invocations of dbt never ask."""
        self._offers: dict[str, list[EntryPoint]] | None = None
        self._loaded: dict[str, click.Command | None] = {}

    def names(self) -> list[str]:
        """Return the names of all offered commands, whether or not they can be loaded."""
        return sorted(self._offers_by_name())

    def load(self, name: str) -> click.Command | None:
        """Return the offered command of that name, or None when there is none that works."""
        if name not in self._offers_by_name():
            return None
        if name not in self._loaded:
            self._loaded[name] = _load(name, self._offers_by_name()[name])
        return self._loaded[name]

    def report_shadowed(self, own_names: Iterable[str]) -> None:
        """Drop the offers that carry the name of one of dbt's own commands, and say so."""
        offers = self._offers_by_name()
        for name in sorted(offers.keys() & set(own_names)):
            providers = _providers(offers.pop(name))
            _report(f"command {name!r} of {providers} is left out: dbt has a command of that name")

    def _offers_by_name(self) -> dict[str, list[EntryPoint]]:
        if self._offers is None:
            self._offers = {}
            for entry_point in _installed_entry_points():
                self._offers.setdefault(entry_point.name, []).append(entry_point)
        return self._offers


def _installed_entry_points() -> list[EntryPoint]:
    try:
        return list(importlib.metadata.entry_points(group=COMMAND_GROUP))
    except Exception:  # one damaged distribution breaks the look-up for all: ask them one by one
        return _readable_entry_points()


def _readable_entry_points() -> list[EntryPoint]:
    found: dict[tuple[str, str], EntryPoint] = {}
    for distribution in importlib.metadata.distributions():
        try:
            for entry_point in distribution.entry_points.select(group=COMMAND_GROUP):
                found.setdefault((distribution.name, entry_point.name), entry_point)
        except Exception as error:
            _report(f"entry points of {_in_short(distribution)} cannot be read: {_in_words(error)}")
    return list(found.values())


def _load(name: str, offers: list[EntryPoint]) -> click.Command | None:
    if len(offers) > 1:
        _report(f"command {name!r} is left out: {_providers(offers)} all offer it; uninstall all but one")
        return None
    try:
        command = offers[0].load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a module may also end in SystemExit, or in a panic of its Rust part
        _report(f"command {name!r} of {_providers(offers)} cannot be loaded: {_in_words(error)}")
        return None
    if not isinstance(command, click.Command):
        kind = type(command).__name__
        _report(f"command {name!r} of {_providers(offers)} is left out: not a click command but {kind}")
        return None
    return command


def _report(fault: str) -> None:
    try:
        click.echo(one_line(f"dbt-retry-plus: {fault}", LONGEST_REPORT), err=True)
    except (OSError, ValueError):  # stderr is closed; dbt shall work on all the same
        return


def _providers(offers: list[EntryPoint]) -> str:
    return " and ".join(sorted(_in_short(offer.dist) for offer in offers))


def _in_short(distribution: Distribution | None) -> str:
    try:
        name, version = (distribution.name, distribution.version) if distribution else (None, None)
    except Exception:  # what a damaged METADATA leads to differs between Pythons
        name = version = None
    return f"{name} {version}" if name and version else "a distribution with unreadable metadata"


def _in_words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
