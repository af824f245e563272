"""Writing files so that a reader, or a crash, never meets half of one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any


def write_atomically(path: Path, write: Callable[[IO[bytes]], Any], *, owner_only: bool = True) -> None:
    """Write a file beside its place and move it there when it is whole.

    Args:
        path: The file to create or replace.
        write: Is called with the open file.
        owner_only: Whether only the owner may read it; otherwise it gets the permissions of the file that it
            replaces, or those of a new file.

    Raises:
        OSError: The file could not be written; what was there before is untouched.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
        if not owner_only:
            Path(name).chmod(_permissions_of(path))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def copy_atomically(source: Path, path: Path, *, owner_only: bool = True) -> None:
    """Copy a file; permissions as in `write_atomically`.

    Raises:
        OSError: The source cannot be read or the copy cannot be written.
    """
    with source.open("rb") as original:
        write_atomically(path, lambda file: shutil.copyfileobj(original, file, 1 << 20), owner_only=owner_only)


def _permissions_of(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
