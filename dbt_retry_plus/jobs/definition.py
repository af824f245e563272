"""What `jobs` in `dbt_retry_plus.yml` defines.

A step is one dbt command. No shell ever sees it, so what only a shell understands is refused where it is not quoted.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.setting_kinds import checked, count, duration, nearest
from dbt_retry_plus.settings_file import Entry

DBT = "dbt"
PATH_OPTIONS = ("--project-dir", "--profiles-dir", "--target-path", "--log-path")
"""Options of dbt that say where it works; `dbt retry-plus` takes them from its own command line alone."""


@dataclass(frozen=True)
class Step:
    """One dbt command of a job.

    Attributes:
        name: Unlike those of the other steps; the command where no other name is given.
        command: The command as it is written.
        attempts: How often it is tried at most.
        timeout: Seconds that a try may take; as long as it likes when None.
    """

    name: str
    command: str
    attempts: int = 1
    timeout: float | None = None

    @property
    def arguments(self) -> tuple[str, ...]:
        """What follows `dbt`."""
        return tuple(shlex.split(self.command)[1:])

    @property
    def path_options(self) -> Mapping[str, str]:
        """Those of `PATH_OPTIONS` that it gives, with their values."""
        found: dict[str, str] = {}
        words = iter(self.arguments)
        for word in words:
            name, given, value = word.partition("=")
            if name in PATH_OPTIONS:
                found[name] = value if given else next(words, "")
        return found


@dataclass(frozen=True)
class Job:
    """Several dbt commands that run one after the other, until one fails.

    Attributes:
        name: Its name in the settings.
        steps: At least one.
        environment: Variables that its steps have besides those of the process.
    """

    name: str
    steps: tuple[Step, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


def read_jobs(entry: Entry) -> Mapping[str, Job]:
    """Read the jobs of a settings file.

    Raises:
        RetryRefusedError: Something in one of them is wrong; the text names its line.
        TypeError: There is no mapping of names.
    """
    if not isinstance(entry.value, dict):
        raise TypeError(entry.value)
    return {name: _job(name, job) for name, job in entry.value.items()}


def _job(name: str, entry: Entry) -> Job:
    if not _NAME.fullmatch(name):
        raise RetryRefusedError(
            f"{entry.where} has a job named {name!r}. Make its name of letters, digits, '_', '-' and '.'."
        )
    job = _mapping(f"the job {name!r}", entry, _JOB_KEYS, required="steps")
    steps = _steps(name, job["steps"])
    seen: set[str] = set()
    for step, place in zip(steps, job["steps"].value, strict=True):
        if step.name in seen:
            raise RetryRefusedError(
                f"{place.where} has a second step named {step.name!r} in the job {name!r}. Give one of them a name."
            )
        seen.add(step.name)
    return Job(name, steps, _environment(name, job["env"]) if "env" in job else {})


def _steps(job: str, entry: Entry) -> tuple[Step, ...]:
    if not isinstance(entry.value, tuple) or not entry.value:
        raise RetryRefusedError(f"{entry.where} gives the job {job!r} no list of steps. Name its dbt commands there.")
    return tuple(_step(job, item) for item in entry.value)


def _step(job: str, entry: Entry) -> Step:
    if isinstance(entry.value, str):
        command = _command(entry)
        return Step(command, command)
    step = _mapping(f"a step of the job {job!r}", entry, _STEP_KEYS, required="command")
    command = _command(step["command"])
    values = {key: checked(key, step[key], _KINDS) for key in step.keys() & _KINDS.keys()}
    if values.get("timeout") == 0:
        raise RetryRefusedError(f"{step['timeout'].where} gives a step no time at all. Leave its timeout out.")
    name = _text("name", step["name"]) if "name" in step else command
    return Step(name=name, command=command, **values)


def _command(entry: Entry) -> str:
    command = _text("command", entry)
    outside = _QUOTED.sub("", command)
    found = _OF_A_SHELL.search(outside)
    if found:
        raise RetryRefusedError(
            f"{entry.where} has {found[0]!r} outside of quotes in the step {command!r}. A step is one dbt command, and "
            "no shell runs it: put it in quotes, or make steps of it."
        )
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise RetryRefusedError(f"{entry.where} has the step {command!r}, which is no command: {error}.") from None
    if words[0] != DBT or len(words) < 2:
        raise RetryRefusedError(
            f"{entry.where} has the step {command!r}, which is no dbt command. Begin it with `dbt`, and name one."
        )
    return command


def _environment(job: str, entry: Entry) -> Mapping[str, str]:
    if not isinstance(entry.value, dict):
        raise RetryRefusedError(f"{entry.where} gives the job {job!r} an env that is no mapping of names to texts.")
    for name, value in entry.value.items():
        if not _VARIABLE.fullmatch(name):
            raise RetryRefusedError(
                f"{value.where} has an environment variable named {name!r}. Make its name of letters, digits and '_'."
            )
        if not isinstance(value.value, str) or "\0" in value.value:  # the value itself may be a secret
            raise RetryRefusedError(
                f"{value.where} gives the environment variable {name!r} a value that is no text. Put it in quotes."
            )
    return {name: value.value for name, value in entry.value.items()}


def _mapping(what: str, entry: Entry, keys: frozenset[str], required: str) -> Mapping[str, Entry]:
    if not isinstance(entry.value, dict):
        raise RetryRefusedError(f"{entry.where} does not give {what} its {required}. Known are: {_listed(keys)}.")
    for key, value in entry.value.items():
        if key not in keys:
            raise RetryRefusedError(f"{value.where} gives {what} the unknown setting {key!r}. {nearest(key, keys)}")
    if required not in entry.value:
        raise RetryRefusedError(f"{entry.where} does not give {what} its {required}. Known are: {_listed(keys)}.")
    return entry.value


def _text(name: str, entry: Entry) -> str:
    text = entry.value.strip() if isinstance(entry.value, str) else ""
    if not text or not text.isprintable():
        raise RetryRefusedError(f"{entry.where} gives a step the {name} {entry.plain!r}, which is no line of text.")
    return text


def _listed(keys: frozenset[str]) -> str:
    return ", ".join(sorted(keys))


_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUOTED = re.compile(r"""\\.|'[^']*'|"(?:\\.|[^"\\])*\"""")
_OF_A_SHELL = re.compile(r"[;&|<>`$()]+")
_JOB_KEYS = frozenset({"steps", "env"})
_STEP_KEYS = frozenset({"name", "command", "attempts", "timeout"})
_KINDS: Mapping[str, Callable[[Any], Any]] = MappingProxyType({"attempts": count, "timeout": duration})
