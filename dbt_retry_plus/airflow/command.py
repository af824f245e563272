"""The dbt command of a task: its words, and what a resumption has to be told besides. No I/O, and no Airflow."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

DBT, RETRY_PLUS = "dbt", "retry-plus"

_PATH_OPTIONS = ("--project-dir", "--profiles-dir", "--target-path", "--log-path")
_PLACE_OPTIONS = ("--target", "--profile")
_SHORT = {"-t": "--target"}
_VALUES_NOT_SHOWN = ("--vars", "--args")
# A retry that runs nothing, or something else, would be green with nodes unproven.
_NOT_FOR_RETRIES = frozenset(
    {
        *("--confirm", "--dry-run", "--expect-invocation", "--help", "-h", "--invocation", "--output", "--state"),
        *("--version", "-V", "-v"),
    }
)
_QUOTED = re.compile(r"""\\.|'[^']*'|"(?:\\.|[^"\\])*\"""")
_OF_A_SHELL = re.compile(r"[;&|<>`$()]+")


class CommandError(ValueError):
    """What a task is told to run is no dbt command that can be resumed; the text says what to do."""


@dataclass(frozen=True)
class DbtCommand:
    """One dbt command.

    Attributes:
        words: What follows `dbt`; the command's name first.
    """

    words: tuple[str, ...]

    @property
    def options_of_place(self) -> tuple[str, ...]:
        """What it says of where it works: a resumption has to look in the same place."""
        return self._given(*_PATH_OPTIONS, *_PLACE_OPTIONS)

    @property
    def options_of_project(self) -> tuple[str, ...]:
        """As far as it says which project, and against what."""
        return self._given("--project-dir", "--profiles-dir", *_PLACE_OPTIONS)

    @property
    def options_of_ledger(self) -> tuple[str, ...]:
        """As far as it says where the ledger of this machine is."""
        return self._given("--project-dir", "--target-path")

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes it another command when it changes: paths do not, since workers differ in theirs."""
        taken = {place for place, name, _ in self._options() if name in _PATH_OPTIONS}
        found: list[str] = []
        skipped = False
        for place, word in enumerate(self.words):
            if not skipped and place not in taken:
                found.append(word)
            skipped = not skipped and place in taken and "=" not in word
        return tuple(found)

    @property
    def shown(self) -> str:
        """The command for logs: what is given to Jinja may be secret."""
        words: list[str] = [DBT]
        hide = False
        for word in self.words:
            name = word.partition("=")[0]
            inside = "=" in word and name in _VALUES_NOT_SHOWN
            words.append("…" if hide else f"{name}=…" if inside else shlex.quote(word))
            hide = not hide and word in _VALUES_NOT_SHOWN
        return " ".join(words)

    def _given(self, *names: str) -> tuple[str, ...]:
        return tuple(word for _, name, value in self._options() if name in names for word in (name, value))

    def _options(self) -> Iterator[tuple[int, str, str]]:
        """Those options that say where it works: the place of each, its name and its value."""
        known = (*_PATH_OPTIONS, *_PLACE_OPTIONS)
        words = iter(enumerate(self.words))
        for place, word in words:
            name, given, value = word.partition("=")
            if word in _VALUES_NOT_SHOWN:
                next(words, None)
            elif word[:2] in _SHORT and not word.startswith("--"):
                yield place, _SHORT[word[:2]], word[2:].removeprefix("=") or next(words, (0, ""))[1]
            elif name in known:
                yield place, name, value if given else next(words, (0, ""))[1]


def read_command(command: str | Sequence[str]) -> DbtCommand:
    """Read a dbt command, with or without the word `dbt`.

    Args:
        command: A text as it is typed, of which no shell ever sees anything, or its words.

    Raises:
        CommandError: It is none, or one that finds out by itself what to run.
    """
    if not isinstance(command, (str, list, tuple)):
        raise CommandError(f"The dbt command is {command!r}. Give a text, or a list of words.")
    words = [*_split(command)] if isinstance(command, str) else [str(word) for word in command]
    if words[:1] == [DBT]:
        del words[0]
    if not words:
        raise CommandError("The task has no dbt command. Give it one, such as `build --select marts`.")
    if words[0].startswith("-"):
        raise CommandError(f"The dbt command begins with the option {words[0]!r}. Put options behind its name.")
    own = words[0] == RETRY_PLUS and words[1:2] != ["exec"]
    if own or words[0] == "retry":
        raise CommandError(
            f"The task is told to run `dbt {words[0]}`. Give it the command that is to be resumed when a try of it "
            "fails, such as `build`; the resuming is done for you."
        )
    return DbtCommand(tuple(words))


def check_retry_options(options: Sequence[str]) -> tuple[str, ...]:
    """Return the options of `dbt retry-plus` that a task gives its resumptions.

    Raises:
        CommandError: One of them would keep a resumption from running what is left.
    """
    words = words_of("retry_options", options)
    for word in words:
        if word.partition("=")[0] in _NOT_FOR_RETRIES:
            raise CommandError(f"retry_options has {word!r}, with which a task cannot be resumed. Leave it out.")
    return words


def words_of(argument: str, given: Sequence[str]) -> tuple[str, ...]:
    """Return the words of an argument that is a list of them.

    Raises:
        CommandError: It is a text, of which each letter would be one.
    """
    if not isinstance(given, (list, tuple)):
        raise CommandError(f"{argument} is {given!r}. Give a list of words.")
    return tuple(str(word) for word in given)


def resumption(invocation_id: str, command: DbtCommand) -> tuple[str, ...]:
    """Return the words after `dbt` that resume an invocation, and never another one.

    Args:
        invocation_id: The invocation.
        command: What is resumed.
    """
    named = ("--invocation", invocation_id, "--expect-invocation", invocation_id)
    return (RETRY_PLUS, *named, *command.options_of_place)


def _split(command: str) -> list[str]:
    found = _OF_A_SHELL.search(_QUOTED.sub("", command))
    if found:
        raise CommandError(
            f"The dbt command has {found[0]!r} outside of quotes. No shell runs it: put it in quotes, or give a list "
            "of words."
        )
    try:
        return shlex.split(command)
    except ValueError as error:
        raise CommandError(f"The dbt command cannot be read: {error}.") from None
