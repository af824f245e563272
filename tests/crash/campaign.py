"""One crash: a real build, killed by a real signal at a moment that a seed chooses, then retried until it is green.

What is checked is read from the journals' raw lines and from the warehouse, not through the code under test.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.projects import Adapter, DbtProject

PLUGIN = Path(__file__).parent / "plugin"
MOST_KILLS = 3

SIGNALS = ("SIGKILL", "SIGKILL", "SIGTERM", "SIGINT")

# Event, and how often it may have come by then. The order of the moments is that of a build.
MOMENTS = (
    ("Start", (1, 1), 3.0),  # while the project is parsed
    ("ConcurrencyLine", (1, 1), 0.0),  # before the first node
    ("NodeStart", (1, 40), 0.0),
    ("NodeFinished", (1, 40), 0.0),  # between a node's finish and its line in the journal
    ("NodeFinished", (1, 40), 0.05),  # just after
    ("LogHookStartLine", (1, 5), 0.0),
    ("LogHookEndLine", (1, 5), 0.0),
    ("EndRunResult", (1, 1), 0.1),  # while artifacts are written
    ("CommandCompleted", (1, 1), 0.02),  # while the ledger is tidied up
)


@dataclass(frozen=True)
class Crash:
    """What one campaign member does: everything follows from its seed."""

    seed: str
    adapter: Adapter
    threads: int
    moments: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.seed}-{self.adapter}-{self.threads}t-{'+'.join(self.moments)}"


@dataclass(frozen=True)
class Tally:
    """What became of one crash.

    Attributes:
        kills: How many processes died of the signal.
        lost: Selected nodes that no run proved.
        needless: Nodes with a success on record that ran again.
    """

    kills: int
    lost: tuple[str, ...]
    needless: tuple[str, ...]


def crash_of(seed: str, adapters: tuple[Adapter, ...] = ("duckdb", "postgres")) -> Crash:
    """Choose a crash by a seed."""
    choice = random.Random(seed)
    kills = choice.choices(range(1, MOST_KILLS + 1), weights=(6, 3, 1))[0]
    moments = []
    for _ in range(kills):
        event, (least, most), seconds = choice.choice(MOMENTS)
        count = choice.randint(least, most)
        delay = choice.uniform(0, seconds) if seconds else 0.0
        moments.append(f"{event}:{count}:{delay:.3f}:{choice.choice(SIGNALS)}")
    return Crash(seed, choice.choice(adapters), choice.choice((1, 4)), tuple(moments))


def survive(crash: Crash, project: DbtProject, selected: frozenset[str]) -> Tally:
    """Build, be killed, retry, be killed again, and at last retry in peace until dbt says that all is well.

    Args:
        crash: What happens.
        project: A fresh project.
        selected: What an uninterrupted build executes.
    """
    kills, command = 0, "build"
    for moment in crash.moments:
        kills += _dies(project, command, moment)
        if list(journals(project)):
            command = "retry-plus"
    for _ in range(2):
        project.dbt(command, exit_code=0)
        command = "retry-plus"
    proven = {unique_id for journal in journals(project) for unique_id in succeeded(journal)}
    return Tally(kills, tuple(sorted(selected - proven)), tuple(sorted(_needless(project))))


def _dies(project: DbtProject, command: str, moment: str) -> bool:
    path = f"{PLUGIN}:{project.environment.get('PYTHONPATH', '')}".rstrip(":")
    done = project.dbt(command, environment={"CRASH_AT": moment, "PYTHONPATH": path})
    assert "Traceback" not in done.stdout or "KeyboardInterrupt" in done.stdout, done.stdout
    return done.returncode != 0


def journals(project: DbtProject) -> Iterator[list[Mapping[str, Any]]]:
    """The journals of a project, oldest first, each as its whole lines."""
    found = []
    for path in (project.target / "retry_plus" / "invocations").glob("*/journal.jsonl"):
        lines = [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
        found.append(lines)
    return iter(sorted(found, key=lambda lines: lines[0]["started_at"]))


def succeeded(journal: list[Mapping[str, Any]]) -> Iterator[str]:
    """The nodes that have a success on record."""
    for line in journal:
        if line["event"] == "finish" and line["row"]["status"] in ("success", "pass", "no-op"):
            yield line["node"]


def _needless(project: DbtProject) -> Iterator[str]:
    proven: set[str] = set()
    for journal in journals(project):
        started = {line["node"] for line in journal if line["event"] == "start"}
        yield from (node for node in started & proven if not node.startswith("operation."))
        proven.update(succeeded(journal))
