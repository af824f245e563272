"""The files of a large project found and read by another process, while this one reads the partial-parse file.

dbt walks through each folder once for every kind of file, and reads each file to see whether it has changed.
"""

from __future__ import annotations

import fnmatch
import marshal
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dbt.constants import PARTIAL_PARSE_FILE_NAME
from dbt.parser import read_files, search
from dbt.parser.manifest import ManifestLoader

from dbt_retry_plus.dbtcore.fast.file_reader import Found
from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced
from dbt_retry_plus.dbtcore.fast.process import is_the_process

_STORED, _LOAD = "read_manifest_for_partial_parse", "load"
_FIND, _READ = "find_matching", "load_file_contents"
_WORTHWHILE = 4_000_000  # bytes of the partial-parse file: some 1,000 models
_READER = Path(__file__).with_name("file_reader.py")
_DBT_READS = frozenset({".csv", ".yml", ".yaml"})  # of these it needs few, or reads them in other ways


class _Reading:
    """A process that reads."""

    def __init__(self, projects: Iterable[Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-X", "utf8=1", str(_READER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._found: Found | None = None
        try:
            self._process.stdin.write(marshal.dumps(_wanted(projects)))  # type: ignore[union-attr]  # it is a pipe
            self._process.stdin.flush()  # type: ignore[union-attr]
        except OSError:  # it has ended already
            self._found = {}, {}

    def found(self) -> Found:
        """Wait for what it has found: nothing, where something went wrong."""
        if self._found is None:
            output, _ = self._process.communicate()
            try:
                self._found = marshal.loads(output) if self._process.returncode == 0 else ({}, {})  # noqa: S302
            except (EOFError, ValueError, TypeError):
                self._found = {}, {}
        return self._found

    def end(self) -> None:
        """End it, whether anybody has asked or not."""
        if self._process.returncode is None:
            self._process.kill()
            self._process.communicate()


class _Readings:
    """The processes that read for the loaders that are at work, of which there is hardly more than one."""

    def __init__(self) -> None:
        self._readings: list[_Reading] = []

    def begin(self, loader: ManifestLoader) -> None:
        if _is_large(loader):
            with suppress(OSError):  # no process can be had: dbt reads
                self._readings.append(_Reading(loader.all_projects.values()))

    def found(self) -> Found:
        return self._readings[-1].found() if self._readings else ({}, {})

    def end(self) -> None:
        """End them, and forget what they have found."""
        while self._readings:
            self._readings.pop().end()


@contextmanager
def _meanwhile() -> Iterator[None]:
    read_stored, load = vars(ManifestLoader)[_STORED], vars(ManifestLoader)[_LOAD]
    find_again, read_again = vars(search)[_FIND], vars(read_files)[_READ]
    readings = _Readings()

    def begin(loader: ManifestLoader) -> Any:
        readings.begin(loader)
        return read_stored(loader)

    def load_and_end(loader: ManifestLoader) -> Any:
        try:
            return load(loader)
        finally:
            readings.end()

    def find(root_path: str, relative_paths: list[str], pattern: str, ignore_spec: Any = None) -> Any:
        files, _ = readings.found()
        if not all((root_path, below) in files for below in relative_paths):
            return find_again(root_path, relative_paths, pattern, ignore_spec)
        matches = re.compile(fnmatch.translate(pattern), re.IGNORECASE).match
        return [
            {"searched_path": below, "absolute_path": path, "relative_path": relative, "modification_time": changed_at}
            for below in relative_paths
            for name, path, relative, changed_at in files[root_path, below]
            if matches(name) and not (ignore_spec and ignore_spec.match_file(os.path.join(below, relative)))  # noqa: PTH118
        ]

    def read(path: str, strip: bool = True) -> Any:
        _, texts = readings.found()
        return texts[path] if strip and path in texts else read_again(path, strip)

    try:
        with (
            replaced(ManifestLoader, _STORED, begin),
            replaced(ManifestLoader, _LOAD, load_and_end),
            replaced(search, _FIND, find),
            replaced(read_files, _READ, read),
        ):
            yield
    finally:
        readings.end()


def _is_large(loader: ManifestLoader) -> bool:
    try:
        size: int = (Path(loader.root_project.project_target_path) / PARTIAL_PARSE_FILE_NAME).stat().st_size
    except OSError:
        return False
    return size > _WORTHWHILE


def _wanted(projects: Iterable[Any]) -> list[tuple[str, str, tuple[str, ...]]]:
    """The folders of all projects, and what the names of files end with that dbt reads there every time."""
    endings: dict[tuple[str, str], set[str]] = {}
    for project in projects:
        for described in read_files.get_file_types_for_project(project).values():
            for below in described["paths"]:
                endings.setdefault((str(project.project_root), str(below)), set()).update(described["extensions"])
    return [(*folder, tuple(read - _DBT_READS)) for folder, read in endings.items()]


def _has_another_processor() -> bool:
    """Whether one is there, this Python can be started on it, and dbt does not record what it does with files."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    records = any("_RECORDER_" in name for name in os.environ)
    startable = is_the_process() and bool(sys.executable) and _READER.is_file()
    return processors > 1 and startable and sys.getfilesystemencoding() == "utf-8" and not records


SOURCE_FILES = Piece(
    "source_files",
    _meanwhile,
    {
        f"dbt.parser.manifest:ManifestLoader.{_STORED}": frozenset({"c0a283d3", "96cc6cd9", "09f196ad"}),
        "dbt.parser.read_files:get_file_types_for_project": frozenset({"34505451", "a836208b", "b509fd84"}),
        "dbt.parser.read_files:load_source_file": frozenset({"9e396dd5", "837d6004", "22c6cda1"}),
        "dbt.parser.search:filesystem_search": frozenset({"31339749"}),
        f"dbt_common.clients.system:{_FIND}.__wrapped__": frozenset({"9bb6e2c3"}),
        f"dbt_common.clients.system:{_READ}.__wrapped__": frozenset({"41215a8c"}),
    },
    fits=_has_another_processor,
)
