"""The dbt subcommands that installed distributions offer through the entry-point group `dbt.cli.commands`."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint

import click

COMMAND_GROUP = "dbt.cli.commands"
LONGEST_REPORT = 400


class OfferedCommands:
    """What the installed distributions offer: looked up once, loaded one by one, each fault reported once."""

    def __init__(self) -> None:
        """Look at nothing yet: most invocations of dbt never ask."""
        self._offers: dict[str, list[EntryPoint]] | None = None
        self._loaded: dict[str, click.Command | None] = {}
        self._reported: set[str] = set()

    def names(self) -> list[str]:
        """Return the names of all offered commands, whether or not they can be loaded."""
        return sorted(self._offers_by_name())

    def load(self, name: str) -> click.Command | None:
        """Return the offered command of that name, or None when there is none that works."""
        if name not in self._offers_by_name():
            return None
        if name not in self._loaded:
            self._loaded[name] = self._load(name, self._offers_by_name()[name])
        return self._loaded[name]

    def report_shadowed(self, own_names: Iterable[str]) -> None:
        """Drop the offers that carry the name of one of dbt's own commands, and say so."""
        offers = self._offers_by_name()
        for name in offers.keys() & set(own_names):
            providers = _providers(offers.pop(name))
            self._report(f"command {name!r} of {providers} is left out: dbt has a command of that name")

    def _offers_by_name(self) -> dict[str, list[EntryPoint]]:
        if self._offers is None:
            self._offers = {}
            for entry_point in self._installed_entry_points():
                self._offers.setdefault(entry_point.name, []).append(entry_point)
        return self._offers

    def _installed_entry_points(self) -> list[EntryPoint]:
        from importlib.metadata import entry_points

        try:
            return list(entry_points(group=COMMAND_GROUP))
        except Exception as error:  # one damaged distribution can break the whole look-up
            self._report(f"installed dbt commands cannot be listed: {_in_words(error)}")
            return []

    def _load(self, name: str, offers: list[EntryPoint]) -> click.Command | None:
        if len(offers) > 1:
            self._report(f"command {name!r} is left out: {_providers(offers)} all offer it; uninstall all but one")
            return None
        try:
            command = offers[0].load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a module may also end in SystemExit, or in a panic of its Rust part
            self._report(f"command {name!r} of {_providers(offers)} cannot be loaded: {_in_words(error)}")
            return None
        if not isinstance(command, click.Command):
            kind = type(command).__name__
            self._report(f"command {name!r} of {_providers(offers)} is left out: not a click command but {kind}")
            return None
        return command

    def _report(self, fault: str) -> None:
        line = _one_line(f"dbt-retry-plus: {fault}")
        if line in self._reported:
            return
        self._reported.add(line)
        try:
            click.echo(line, err=True)
        except (OSError, ValueError):  # stderr is closed; dbt shall work on all the same
            return


def _providers(offers: list[EntryPoint]) -> str:
    return " and ".join(sorted(_provider(offer) for offer in offers))


def _provider(offer: EntryPoint) -> str:
    distribution = offer.dist
    if distribution is None:
        return "an unknown distribution"
    try:
        return f"{distribution.name} {distribution.version}"
    except Exception:  # its METADATA is damaged
        return "a distribution with unreadable metadata"


def _in_words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    printable = "".join(character if character.isprintable() else "?" for character in line)
    return printable if len(printable) <= LONGEST_REPORT else printable[: LONGEST_REPORT - 1] + "…"
