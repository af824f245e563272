"""The ledger in a folder: one sub-folder for each invocation that executed nodes."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from operator import methodcaller
from pathlib import Path
from typing import Any

from filelock import FileLock

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.files import write_atomically
from dbt_retry_plus.ledger.journal import JOURNAL, JournalWriter, read_first_entry
from dbt_retry_plus.ledger.lock import is_held

INVOCATIONS = "invocations"
RUNNING = "running"

_OWNER_ONLY_FOLDER = 0o700
_UNFINISHED = ".new-"
_DISCARDED = ".old-"


@dataclass(frozen=True)
class LedgerEntry:
    """One invocation on the ledger, as far as the first line of its journal tells.

    Attributes:
        folder: Where its journal and artifacts are.
        header: The first line of the journal.
    """

    folder: Path
    header: Mapping[str, Any]

    @property
    def invocation_id(self) -> str:
        """The id that dbt gave the invocation."""
        return self.folder.name

    @property
    def started_at(self) -> str:
        """When it began: ISO 8601 in UTC, so that texts sort as times do."""
        return str(self.header.get("started_at") or "")

    @property
    def retry_of(self) -> str | None:
        """The invocation that this one retried."""
        retried = self.header.get("retry_of")
        return retried if isinstance(retried, str) else None

    @property
    def tag(self) -> str | None:
        """What the orchestrator called the task that it was run for."""
        tag = self.header.get("tag")
        return tag if isinstance(tag, str) else None


@dataclass(frozen=True)
class OpenInvocation:
    """An invocation that is being recorded by this process.

    Attributes:
        folder: Where its journal and artifacts go.
        journal: Where its events go.
        running: Held as long as this process lives; the operating system lets go of it when the process dies.
    """

    folder: Path
    journal: JournalWriter
    running: FileLock

    def close(self) -> None:
        """Write no more, and let go of the lock."""
        self.journal.close()
        self.running.release()
        Path(self.running.lock_file).unlink(missing_ok=True)


class LocalLedger:
    """Reads and writes the ledger in one folder."""

    def __init__(
        self, folder: Path, running_elsewhere: AbstractSet[str] = frozenset(), name: str | None = None
    ) -> None:
        """Name the folder; it need not exist.

        Args:
            folder: `<target-path>/retry_plus`, or what settings say.
            running_elsewhere: Invocations that other machines are known to be running.
            name: What users call it; the folder unless told.
        """
        self.name = name or str(folder)
        self.folder = folder
        self._running_elsewhere = running_elsewhere
        self.invocations = folder / INVOCATIONS

    def open(self, invocation_id: str, first_line: str) -> OpenInvocation:
        """Begin the record of an invocation; it appears on the ledger with its first line in place.

        Args:
            invocation_id: dbt's id of it.
            first_line: The first line of its journal.

        Raises:
            OSError: The ledger cannot be written.
            Timeout: Another process records an invocation of that id.
        """
        for folder in (self.folder, self.invocations, self.folder / RUNNING):
            folder.mkdir(mode=_OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
        running = FileLock(self._lock_file(invocation_id), thread_local=False)
        running.acquire(timeout=0)
        unfinished = self.invocations / f"{_UNFINISHED}{invocation_id}"
        journal = None
        shutil.rmtree(unfinished, ignore_errors=True)  # begun by a process that died
        try:
            unfinished.mkdir(mode=_OWNER_ONLY_FOLDER)
            journal = JournalWriter(unfinished / JOURNAL)
            journal.append(first_line)
            folder = unfinished.rename(self.invocations / invocation_id)
        except BaseException:
            if journal is not None:
                journal.close()
            running.release()
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        return OpenInvocation(folder, journal, running)

    def entries(self) -> list[LedgerEntry]:
        """Return the invocations on the ledger, oldest first; folders of other origin are passed over.

        Raises:
            RetryRefusedError: The ledger or its newest invocation cannot be read, or a newer version of this
                package wrote one of them.
        """
        found: list[LedgerEntry] = []
        damaged: list[Path] = []
        for folder in self._folders():
            try:
                header = read_first_entry(folder / JOURNAL)
            except (FileNotFoundError, NotADirectoryError):
                continue  # nothing of ours, or discarded just now
            except OSError:
                header = None
            if header is None or header.get("invocation_id") != folder.name:
                damaged.append(folder)
            else:
                found.append(LedgerEntry(folder, header))
        found.sort(key=lambda entry: (entry.started_at, entry.invocation_id))
        _refuse_damaged_newest(damaged, found)
        return found

    def is_running(self, invocation_id: str) -> bool:
        """Tell whether the process that records an invocation is alive."""
        return invocation_id in self._running_elsewhere or is_held(self._lock_file(invocation_id))

    def complete(self, invocation_id: str) -> None:
        """Have all at hand that a report of an invocation takes; what was recorded here is."""

    def put(self, invocation_id: str, files: Mapping[str, bytes]) -> None:
        """Put an invocation on the ledger that was recorded on another machine, in place of an older copy of it.

        Args:
            invocation_id: dbt's id of it.
            files: What its files hold, the journal among them.

        Raises:
            OSError: The ledger cannot be written.
        """
        for folder in (self.folder, self.invocations):
            folder.mkdir(mode=_OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
        unfinished = self.invocations / f"{_UNFINISHED}{invocation_id}"
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            unfinished.mkdir(mode=_OWNER_ONLY_FOLDER)
            for name, data in files.items():
                write_atomically(unfinished / name, methodcaller("write", data))
            self.discard(invocation_id)
            unfinished.rename(self.invocations / invocation_id)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise

    def discard(self, invocation_id: str) -> None:
        """Take an invocation off the ledger; it is gone at once, its files soon after.

        Raises:
            OSError: The folder cannot be moved.
        """
        discarded = self.invocations / f"{_DISCARDED}{invocation_id}"
        try:
            (self.invocations / invocation_id).rename(discarded)
        except FileNotFoundError:
            return  # another process was faster
        self._lock_file(invocation_id).unlink(missing_ok=True)
        shutil.rmtree(discarded, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what was half discarded, or begun and never recorded, by processes that died."""
        for folder in self.invocations.glob(f"{_DISCARDED}*"):
            shutil.rmtree(folder, ignore_errors=True)
        for folder in self.invocations.glob(f"{_UNFINISHED}*"):
            if not self.is_running(folder.name.removeprefix(_UNFINISHED)):
                shutil.rmtree(folder, ignore_errors=True)

    def _folders(self) -> list[Path]:
        try:
            return [path for path in self.invocations.iterdir() if not path.name.startswith(".")]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RetryRefusedError(
                f"Could not read the ledger in '{self.invocations}': {error.strerror}. Make it readable, or delete it."
            ) from None

    def _lock_file(self, invocation_id: str) -> Path:
        return self.folder / RUNNING / f"{invocation_id}.lock"


def _refuse_damaged_newest(damaged: list[Path], found: list[LedgerEntry]) -> None:
    if not damaged:
        return
    newest = max(damaged, key=_changed)
    if not found or _changed(newest) >= max(_changed(entry.folder) for entry in found):
        raise RetryRefusedError(
            f"The record of the newest invocation, '{newest / JOURNAL}', is damaged, so what it left unproven is "
            "unknown. Run its dbt command again, or delete that folder to retry the invocation before it."
        )


def _changed(folder: Path) -> float:
    try:
        return (folder / JOURNAL).stat().st_mtime
    except FileNotFoundError:
        return 0.0
    except OSError:
        return math.inf  # it may well be the newest
