"""Which store a URL names, and what is said when it cannot be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dbt_retry_plus.store_url import scheme_of, shown, without_secrets
from dbt_retry_plus.texts import one_line
from dbt_retry_plus.types import Finding, LedgerStore, Store, StoredObject
from dbt_retry_plus.words import Severity

if TYPE_CHECKING:
    from dbt_retry_plus.plugin_manager import Plugins

ANY_SCHEME = "*"


class StoreUnreachableError(Exception):
    """The store could not be reached; the text says why, without secrets."""


def opener(url: str, plugins: Plugins) -> tuple[Callable[[], Store], list[Finding]]:
    """Ask the plugins who opens a URL.

    Args:
        url: The URL of a ledger.
        plugins: The plugins.

    Returns:
        What opens it, and findings about plugins that failed, or took a scheme that was taken.
    """
    offered, findings = plugins.contribute("retry_plus_ledger_stores", LedgerStore)
    by_scheme: dict[str, LedgerStore] = {}
    for plugin, offer in offered:
        for scheme in offer.schemes:
            if scheme in by_scheme:
                message = f"The plugin {plugin} has a store for {scheme}://, which is taken, and is left out."
                findings.append(Finding(Severity.WARNING, "plugin-failed", message, "Give it another scheme."))
            else:
                by_scheme[scheme] = offer
    wanted = by_scheme.get(scheme_of(url), by_scheme.get(ANY_SCHEME))

    def open_it() -> Store:
        if wanted is None:
            raise StoreUnreachableError(f"no plugin has a store for {scheme_of(url)}:// (in {shown(url)})")
        with _guarded():
            return Guarded(wanted.open(url))

    return open_it, findings


class Guarded:
    """A store of which any exception that does not belong to its contract is a `StoreUnreachableError`."""

    def __init__(self, store: Store) -> None:
        """Take the store."""
        self._store = store

    def list(self, prefix: str) -> Iterable[StoredObject]:
        """Return the objects whose names begin with a prefix."""
        with _guarded():
            return [*self._store.list(prefix)]

    def read(self, name: str) -> bytes:
        """Return what an object holds."""
        with _guarded(FileNotFoundError):
            return self._store.read(name)

    def write(self, name: str, data: bytes) -> None:
        """Create or replace an object."""
        with _guarded():
            self._store.write(name, data)

    def write_if_absent(self, name: str, data: bytes) -> bool:
        """Create an object unless there is one."""
        with _guarded(NotImplementedError):
            return self._store.write_if_absent(name, data)

    def delete(self, name: str) -> None:
        """Remove an object."""
        with _guarded():
            self._store.delete(name)


@contextmanager
def _guarded(*expected: type[Exception]) -> Iterator[None]:
    try:
        yield
    except expected:
        raise
    except Exception as error:  # each kind of store has its own
        raise StoreUnreachableError(reason_of(error)) from error


def reason_of(error: BaseException) -> str:
    """Say why a store could not be reached, in one line without secrets."""
    text = str(error) if isinstance(error, StoreUnreachableError) else f"{type(error).__name__}: {error}"
    return one_line(without_secrets(text), 300).rstrip(".:")
