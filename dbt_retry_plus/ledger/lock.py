"""Locks that end with the process which holds them; one of them lets one retry of a target folder run at a time."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path

from filelock import FileLock, Timeout

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.files import write_atomically

_RETRY, _ANOTHER_RETRY = "retry", "Another retry of the same target folder"


@contextmanager
def only_retry(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder; the operating system lets go of it when the process dies.

    Args:
        folder: `<target-path>/retry_plus`.

    Raises:
        RetryRefusedError: Another process holds it, or the folder cannot be written.
    """
    with only_holder(folder, _RETRY, _ANOTHER_RETRY):
        yield


@contextmanager
def only_holder(folder: Path, name: str, other: str) -> Iterator[None]:
    """Hold a lock, signed with who holds it.

    Args:
        folder: Where the files of the lock are.
        name: What they are called.
        other: Names another holder, for messages.

    Raises:
        RetryRefusedError: Another process holds it, or the folder cannot be written.
    """
    lock = FileLock(_lock_file(folder, name), thread_local=False)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise _held(folder, name, other) from None
    except (OSError, NotImplementedError) as error:  # the latter where the file system has no locks
        reason = error.strerror if isinstance(error, OSError) else error
        raise RetryRefusedError(
            f"Could not lock '{folder}': {reason}. dbt writes its artifacts there: make the folder writable."
        ) from None
    holder = _holder_file(folder, name)
    try:
        with suppress(OSError):  # on a full disk the next in line is not told who holds it
            _sign(holder)
        yield
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def refuse_second_retry(folder: Path) -> None:
    """Refuse at once what `only_retry` would refuse later; nothing is written.

    Raises:
        RetryRefusedError: Another process holds the lock.
    """
    if is_held(_lock_file(folder, _RETRY)):
        raise _held(folder, _RETRY, _ANOTHER_RETRY)


def is_held(path: Path) -> bool:
    """Tell whether somebody holds the lock of a file; where none can be taken, nobody does."""
    if not path.exists():
        return False
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except (OSError, NotImplementedError):  # read-only, or a file system without locks
        return False
    lock.release()
    return False


def _lock_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.lock"


def _holder_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.holder.json"


def _held(folder: Path, name: str, other: str) -> RetryRefusedError:
    return RetryRefusedError(
        f"{other} is running{_holder(_holder_file(folder, name))}. Wait until it has ended, or stop it."
    )


def _sign(path: Path) -> None:
    holder = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    write_atomically(path, lambda file: file.write(json.dumps(holder).encode()))


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_bytes())
        return f" (process {int(holder['pid'])} on {holder['host']}, since {holder['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""  # it is just taking the lock, or letting go of it
