"""Where a job works: its project, the environment of its steps, and the ledger that each of them records on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.jobs.definition import Job, Step
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.ledger.location import find_ledger

# Steps work in the project's folder: what was said from another one has to be said from there.
_PROJECT_DIR = ("DBT_PROJECT_DIR", "DBT_ENGINE_PROJECT_DIR")
_PROFILES_DIR = ("DBT_PROFILES_DIR", "DBT_ENGINE_PROFILES_DIR")
_TARGET_PATH, _NEW_TARGET_PATH = "DBT_TARGET_PATH", "DBT_ENGINE_TARGET_PATH"


@dataclass(frozen=True)
class JobPlace:
    """Where a job works.

    Attributes:
        root: The folder of the project.
        environment: The variables of the environment, as far as steps have them.
    """

    root: Path
    environment: Mapping[str, str]

    def environment_of(self, job: Job) -> dict[str, str]:
        """Return the variables that the steps of a job have."""
        return {**self.environment, **job.environment}

    def ledger_of(self, job: Job, step: Step) -> LocalLedger | None:
        """Return the ledger that a step records on; None where there is no telling."""
        options = step.path_options
        project = self.root / options.get("--project-dir", "")
        try:
            return find_ledger(str(project), options.get("--target-path"), self.environment_of(job))
        except RetryRefusedError:
            return None


def place_of(root: Path, target_path: str | None, environment: Mapping[str, str]) -> JobPlace:
    """Return where the jobs of a project work.

    Args:
        root: The folder of the project.
        target_path: `--target-path`.
        environment: The variables of the environment.
    """
    own = {name: value for name, value in environment.items() if name not in _PROJECT_DIR}
    for name in _PROFILES_DIR:
        if own.get(name):
            own[name] = str(Path(own[name]).expanduser().absolute())
    if target_path:
        own.pop(_NEW_TARGET_PATH, None)
        own[_TARGET_PATH] = target_path
    return JobPlace(root, own)
