"""What the folders have in common in which cases are set up: a project, and the states that cases begin from."""

from __future__ import annotations

import contextlib
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.faults.case import Case
from tests.faults.ran import Ran, Relations
from tests.faults.scene import HELD_UP, journals, lines_of
from tests.support.invocations import Invocation

PATIENT = ("--attempts", "7", "--delay", "0.2s", "--max-delay", "3s", "--jitter", "0.1s")
_HOOKS = {
    "dbt_retry_plus.yml": "hooks: hooks.py",
    "hooks.py": f"""
        from pathlib import Path
        from dbt_retry_plus.hookspecs import hookimpl

        @hookimpl
        def retry_plus_classify(error):
            if not error.unique_id:
                Path(__file__).with_name("{HELD_UP}").touch()
            return []
    """,
}


class Stage(ABC):
    """The folder, and the warehouse, in which every case of a test process is set up."""

    def __init__(self, project: Path) -> None:
        """Take the folder of the project."""
        self._project = project
        self._expected: dict[str, Relations] = {}
        self._first: dict[str, list[Mapping[str, Any]]] = {}

    @abstractmethod
    def run(self, case: Case) -> Ran:
        """Run a case."""

    def _prepare(self, state: str) -> None:
        """Keep a state in which a build has failed, and learn what an undisturbed one leaves, once for each."""
        if state in self._expected:
            return
        if state == "fresh":
            self._write()
        else:
            self._prepare("fresh")
            self._restore("fresh_built")
            self._grow()
        self._save(state)
        built = self._dbt("build")
        assert built.exit_code == 0, built.output
        self._expected[state] = self._relations()
        self._save(f"{state}_built")
        self._restore(state)
        before = journals(self._project)
        with self._broken():
            failed = self._dbt("build")
        assert failed.exit_code == 1, failed.output
        (journal,) = journals(self._project) - before
        self._first[state] = lines_of(journal)
        self._save(f"{state}_failed")

    def _write_files(self, files: Mapping[str, str]) -> None:
        for path, text in {**files, **_HOOKS}.items():
            file = self._project / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text).strip() + "\n")

    @abstractmethod
    def _write(self) -> None:
        """Make the project, and the raw data."""

    @abstractmethod
    def _grow(self) -> None:
        """Let the raw data grow."""

    @abstractmethod
    def _broken(self) -> contextlib.AbstractContextManager[None]:
        """Let a build fail."""

    @abstractmethod
    def _save(self, name: str) -> None:
        """Keep what is there."""

    @abstractmethod
    def _restore(self, name: str) -> None:
        """Put back what was kept."""

    @abstractmethod
    def _dbt(self, *arguments: str) -> Invocation:
        """Run dbt."""

    @abstractmethod
    def _relations(self) -> Relations:
        """What stands in the warehouse."""
