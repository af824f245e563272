"""Finds and reads files, as a process of its own on another processor; it knows nothing of dbt, so it starts at once.

Standard input names the folders and which of their files to read, standard output tells what was found, both in
Python's own format for its own values.
"""

from __future__ import annotations

import marshal
import os
import stat
import sys
from collections.abc import Iterable

# Name, path, path from the folder, and time of the last change.
FoundFile = tuple[str, str, str, float]
Found = tuple[dict[tuple[str, str], list[FoundFile]], dict[str, str]]

_LARGE = 1 << 20  # bytes; dbt reads such a file itself


def found_in(folders: Iterable[tuple[str, str, tuple[str, ...]]]) -> Found:
    """Look for files as dbt does.

    Args:
        folders: Each as the project's folder, the path from there, and how the names of files to read end (lower case).

    Returns:
        The files of each folder, in the order of the file system, and the texts of those that were read, by their
        absolute path. A folder with a file that could not be looked at is left out, and so is a text that is none.
    """
    files: dict[tuple[str, str], list[FoundFile]] = {}
    texts: dict[str, str] = {}
    for root, below, endings in folders:
        try:
            files[root, below] = list(_files(root, below, endings, texts))
        except OSError:  # dbt says what is wrong
            continue
    return files, texts


def _files(root: str, below: str, endings: tuple[str, ...], texts: dict[str, str]) -> Iterable[FoundFile]:
    # The paths are put together as dbt does, since they stand in its artifacts.
    folder = os.path.join(os.path.normpath(root), below)  # noqa: PTH118
    for current, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(current, name)  # noqa: PTH118
            relative = os.path.relpath(path, folder)
            status = os.stat(path)  # noqa: PTH116
            if name.lower().endswith(endings) and name[0] not in ".#~" and _is_readable(status):
                _read(os.path.abspath(os.path.join(root, below, relative)), texts)  # noqa: PTH100, PTH118
            yield name, path, relative, status.st_mtime


def _is_readable(status: os.stat_result) -> bool:
    """Whether it has an end, and is not far away: to read a pipe is to wait, and dbt may not want the file at all."""
    return stat.S_ISREG(status.st_mode) and status.st_size < _LARGE


def _read(path: str, texts: dict[str, str]) -> None:
    """Read a file by the path that dbt reads it by; with links, that can be another one than was found."""
    with open(path, "rb") as file:  # noqa: PTH123
        content = file.read()
    try:
        texts[path] = content.decode("utf-8").strip()
    except UnicodeDecodeError:  # dbt says so
        return


if __name__ == "__main__":
    marshal.dump(found_in(marshal.load(sys.stdin.buffer)), sys.stdout.buffer)  # noqa: S302
