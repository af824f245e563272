"""One case of the campaign: everything follows from its seed and the minor of dbt-core."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.campaign.commands import Command, random_command
from tests.campaign.edits import Edit, random_edit, repaired
from tests.campaign.flaws import Flaw, break_something
from tests.campaign.generator import random_project
from tests.campaign.project import Project, files_of

Version = tuple[int, int]
SIGNALS = ("SIGKILL", "SIGKILL", "SIGTERM", "SIGINT")


@dataclass(frozen=True)
class Round:
    """What is done to the project before one retry, and how that is called.

    Attributes:
        project: The project from now on.
        edits: What was changed in it.
        sql: What was changed in the warehouse.
        arguments: Of `dbt retry-plus`.
        vars: Of its `--vars`, which are laid over the recorded ones.
        kill: The moment at which it dies, if it does.
    """

    project: Project
    edits: tuple[Edit, ...]
    sql: tuple[str, ...]
    arguments: tuple[str, ...]
    vars: Mapping[str, int]
    kill: str | None

    @property
    def changes_all(self) -> bool:
        """Whether every changed node is asked for."""
        return "all" in self.arguments


@dataclass(frozen=True)
class Case:
    """What one member of the campaign does.

    Attributes:
        seed: Its seed.
        sound: The project before it was broken.
        earlier: Whether a sound build ran a day before.
        broken: The project as the first command finds it.
        flaws: What was broken.
        command: The first command.
        kill: The moment at which it dies, if it does.
        rounds: What follows, each with a retry.
    """

    seed: str
    sound: Project
    earlier: bool
    broken: Project
    flaws: tuple[Flaw, ...]
    command: Command
    kill: str | None
    rounds: tuple[Round, ...]

    def __str__(self) -> str:
        return self.seed

    @property
    def untouched(self) -> bool:
        """Whether `dbt retry` can be right after the first round: no code was edited, and nothing was killed."""
        return not (self.kill or self.rounds[0].kill or self.rounds[0].edits or self.rounds[0].vars)

    def described(self) -> str:
        """The whole of it, for who replays it."""
        lines = [f"case {self.seed}: {self.command}", f"killed: {self.kill}", f"earlier build: {self.earlier}"]
        lines += [f"flaw: {flaw}" for flaw in self.flaws]
        for path, text in sorted(files_of(self.broken).items()):
            lines += [f"--- {path}", text.rstrip()]
        before = files_of(self.broken)
        for number, step in enumerate(self.rounds, start=1):
            lines.append(
                f"=== round {number}: retry-plus {' '.join(step.arguments)} vars={dict(step.vars)} killed: {step.kill}"
            )
            lines += [f"edit: {edit}" for edit in step.edits] + [f"sql: {sql}" for sql in step.sql]
            after = files_of(step.project)
            lines += [f"--- {path} (removed)" for path in sorted(before.keys() - after.keys())]
            for path in sorted(after):
                if before.get(path) != after[path]:
                    lines += [f"--- {path}", after[path].rstrip()]
            before = after
        return "\n".join(lines)


def case_of(seed: str, version: Version) -> Case:
    """Choose a case by a seed.

    Args:
        seed: Any text.
        version: Major and minor of dbt-core, which tell what a project may have.
    """
    choice = random.Random(f"{seed} on {version}")
    sound = random_project(choice, version)
    command = random_command(choice, sound, version)
    sound = replace(sound, selector=command.selector)
    flaws, broken = break_something(choice, sound, command.name, version)
    kill = _moment(choice) if choice.random() < 0.2 else None
    rounds = _rounds(choice, broken, flaws, command)
    return Case(seed, sound, choice.random() < 0.4, broken, flaws, command, kill, rounds)


def _moment(choice: random.Random) -> str:
    event = choice.choice(("NodeStart", "NodeStart", "NodeFinished", "ConcurrencyLine", "LogBatchResult"))
    count = 1 if event == "ConcurrencyLine" else choice.randint(1, 12)
    return f"{event}:{count}:0:{choice.choice(SIGNALS)}"


def _rounds(choice: random.Random, project: Project, flaws: tuple[Flaw, ...], command: Command) -> tuple[Round, ...]:
    rounds: list[Round] = []
    left = list(flaws)
    count = choice.choices((1, 2, 3), weights=(14, 5, 1))[0]
    for number in range(1, count + 1):
        repairs = [flaw for flaw in left if choice.random() < (0.85 if number == count else 0.5)]
        left = [flaw for flaw in left if flaw not in repairs]
        edits: list[Edit] = []
        sql = tuple(statement for flaw in repairs for statement in flaw.cure)
        for flaw in repairs:
            project, repair = repaired(project, flaw)
            edits += repair
        for _ in range(choice.choices((0, 1, 2, 3), weights=(4, 4, 2, 1))[0]):
            project, edit = random_edit(choice, project, command.mentioned)
            edits += edit
        given = {"offset": choice.randint(1, 9)} if choice.random() < 0.06 else {}
        rounds.append(
            Round(
                project,
                tuple(edits),
                sql,
                _arguments(choice, command, given, repairs, all_changes=count > 1 or choice.random() < 0.6),
                given,
                _moment(choice) if number < count and choice.random() < 0.25 else None,
            )
        )
    return tuple(rounds)


def _arguments(
    choice: random.Random, command: Command, given: Mapping[str, Any], repairs: list[Flaw], *, all_changes: bool
) -> tuple[str, ...]:
    arguments: list[str] = ["--changed", "all"] if all_changes else []
    if any(flaw.in_data for flaw in repairs):
        arguments += ["--rebuild-tested", "always"]  # nothing else tells that the data of a source has changed
    if given:
        arguments += ["--vars", json.dumps(given)]
    if command.fail_fast and choice.random() < 0.5:
        arguments.append("--no-fail-fast")
    return tuple(arguments)
