"""What one try of a task runs: the command, or the resumption of what its DAG run left unproven. No I/O or Airflow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import quote

from dbt_retry_plus.airflow.command import DbtCommand

FROM = "dbt_retry_plus_from"
"""The param, or key of a DAG run's conf, that says where a cleared task begins: `failure` or `start`."""

_DIGITS = 12


class Resume(str, Enum):
    """Which tries of a task resume the one before."""

    ALWAYS = "always"
    RETRIES = "retries"
    NEVER = "never"


@dataclass(frozen=True)
class TaskKey:
    """One task in one DAG run; its tries share it.

    Attributes:
        dag_id: The DAG.
        task_id: The task.
        run_id: The DAG run.
        map_index: Which of the mapped tasks; -1 for one that is not mapped.
    """

    dag_id: str
    task_id: str
    run_id: str
    map_index: int = -1

    def tag(self, command: DbtCommand) -> str:
        """Return the tag that the invocations of its tries have, and no others.

        Args:
            command: What the task runs. Another command is never resumed in place of this one: what is selected by
                this one alone would stay unproven.
        """
        parts = (self.dag_id, self.task_id, str(self.map_index), self.run_id)
        digest = hashlib.sha256(json.dumps(command.identity).encode()).hexdigest()[:_DIGITS]
        return "/".join(["airflow", *(quote(part, safe=":+@") for part in parts), digest])


@dataclass(frozen=True)
class Try:
    """Which try of a task this is.

    Attributes:
        number: Counted from 1; it goes on when a task is cleared.
        most: Airflow's `max_tries`: it grows when a task is cleared.
        retries: How many retries the task has.
    """

    number: int
    most: int
    retries: int

    @property
    def is_first(self) -> bool:
        """Whether no try of it can have come before."""
        return self.number <= 1

    @property
    def is_cleared(self) -> bool:
        """Whether it is the first one since somebody cleared the task, and no retry of Airflow's own."""
        return not self.is_first and self.number <= self.most - self.retries + 1


@dataclass(frozen=True)
class Found:
    """The newest invocation of a task that is on record.

    Attributes:
        invocation_id: dbt's id of it.
        result: What its chain came to: `success`, `error` or `interrupted`.
    """

    invocation_id: str
    result: str


@dataclass(frozen=True)
class Decision:
    """What a try runs.

    Attributes:
        resumes: The invocation to resume; the command runs from its start when None.
        why: For the log.
    """

    resumes: str | None
    why: str


def wish_of(resume: object, given: Mapping[str, Any]) -> Resume:
    """Return which tries resume.

    Args:
        resume: The operator's argument: True and False stand for `always` and `never`, as texts of them do.
        given: The params of the DAG run, and its conf, which wins.

    Raises:
        ValueError: One of them has a value that is not known.
    """
    texts = {"true": Resume.ALWAYS, "false": Resume.NEVER, **{wish.value: wish for wish in Resume}}
    wish = texts.get(str(resume).strip().lower())
    if wish is None:
        raise ValueError(f"resume is {resume!r}. Known are: True, False, {', '.join(repr(w.value) for w in Resume)}.")
    begin = given.get(FROM)
    if begin not in (None, "failure", "start"):
        raise ValueError(f"{FROM} is {begin!r}. Known are: 'failure' and 'start'.")
    return Resume.RETRIES if begin == "start" and wish is Resume.ALWAYS else wish


def looks_back(wish: Resume, this: Try) -> bool:
    """Whether it matters what is on record."""
    return not this.is_first and wish is not Resume.NEVER and not (wish is Resume.RETRIES and this.is_cleared)


def decide(wish: Resume, this: Try, found: Found | None) -> Decision:
    """Decide what a try runs.

    Args:
        wish: Which tries resume.
        this: Which try it is.
        found: What is on record of the earlier ones, where it was looked for.
    """
    if this.is_first:
        return Decision(None, "This is the first try: the command runs from its start.")
    if not looks_back(wish, this):
        return Decision(None, f"Try {this.number} runs the command from its start, as the task is set up (resume).")
    if found is None:
        return Decision(
            None,
            f"Nothing is on record of the earlier tries of this command in this DAG run, so try {this.number} runs it "
            "from its start.",
        )
    if found.result == "success" and this.is_cleared:
        return Decision(
            None,
            f"The task was cleared, and all of {found.invocation_id} is proven: the command runs from its start.",
        )
    return Decision(found.invocation_id, f"Try {this.number} resumes {found.invocation_id} ({found.result}).")
