"""What a plugin offers to keep the ledger in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class StoredObject:
    """One object of a store.

    Attributes:
        name: Its name below the URL, with slashes.
        size: Its bytes.
    """

    name: str
    size: int


class Store(Protocol):
    """Holds objects below a URL; any exception that is not named here means that it could not be reached.

    It is used by one thread at a time, and not always by the same one.
    """

    def list(self, prefix: str) -> Iterable[StoredObject]:
        """Return the objects whose names begin with `prefix`, which ends with a slash or is empty, at any depth."""
        ...

    def read(self, name: str) -> bytes:
        """Return what an object holds.

        Raises:
            FileNotFoundError: There is no such object.
        """
        ...

    def write(self, name: str, data: bytes) -> None:
        """Create or replace an object."""
        ...

    def write_if_absent(self, name: str, data: bytes) -> bool:
        """Create an object, unless there is one: then return False. Of two that try at once, one is told True.

        Raises:
            NotImplementedError: The store has no such thing.
        """
        ...

    def delete(self, name: str) -> None:
        """Remove an object; one that is not there is no error."""
        ...


@dataclass(frozen=True)
class LedgerStore:
    """A kind of store.

    Attributes:
        schemes: The schemes of the URLs that it opens, for instance `s3`; `*` is every one that no other takes.
        open: Makes the store of a URL, in the thread that will use it. An exception's text is shown to the user.
    """

    schemes: tuple[str, ...]
    open: Callable[[str], Store] = field(repr=False)
