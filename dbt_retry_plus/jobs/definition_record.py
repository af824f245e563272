"""The definition of a job as a journal keeps it: without secrets, and without what its variables hold."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from dbt_retry_plus.jobs.definition import Job
from dbt_retry_plus.recording.lines import SCRUBBED, Lines

_VARS = "--vars"


def lines_of(job: Job, environment: Mapping[str, str]) -> Lines:
    """Return what makes lines in which the secrets that a job knows are struck out.

    Args:
        job: The job.
        environment: All variables that its steps have.
    """
    lines = Lines(environment)
    for step in job.steps:
        lines.without_secrets({"arguments": {"vars": _vars_of(step.arguments)}})  # notes them
    return lines


def definition_record(job: Job, lines: Lines, salt: str) -> dict[str, Any]:
    """Return the definition of a job for a journal, or to compare with that of a journal.

    Args:
        job: The job.
        lines: Strikes secrets out.
        salt: The id of the run that the journal is of, so that equal values in two of them look different.
    """
    steps = [
        {"name": step.name, "command": step.command, "attempts": step.attempts, "timeout": step.timeout}
        for step in job.steps
    ]
    env = {name: _digest(salt, name, value) for name, value in sorted(job.environment.items())}
    return {**lines.without_secrets({"steps": steps}), "env": env}


def _digest(salt: str, name: str, value: str) -> str | None:
    """A salted digest; of a secret none is kept, since a short one could be found out by trying."""
    return None if name.startswith(SCRUBBED) else hashlib.sha256(f"{salt}\0{name}\0{value}".encode()).hexdigest()


def _vars_of(arguments: tuple[str, ...]) -> Mapping[str, Any]:
    given = next((word for word in arguments if word == _VARS or word.startswith(f"{_VARS}=")), None)
    if given is None:
        return {}
    after = arguments[arguments.index(given) + 1 :]
    import yaml

    try:
        found = yaml.safe_load(given.partition("=")[2] if "=" in given else "".join(after[:1]))
    except Exception:  # dbt will say so
        return {}
    return found if isinstance(found, dict) else {}
