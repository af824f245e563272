"""dbt's manifest as hooks see it: the documented artifact, made when it is first read, and never changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


class ReadOnlyDocument(Mapping[str, Any]):
    """A document of mappings, lists and plain values that cannot be changed, at no depth."""

    def __init__(self, make: Callable[[], Mapping[str, Any]]) -> None:
        """Note how the document is made.

        Args:
            make: Makes it; called when it is first read, since that takes long for a manifest.
        """
        self._make = make
        self._made: Mapping[str, Any] | None = None

    def __getitem__(self, key: str) -> Any:
        """Return what stands under a key, read-only too."""
        return _read_only(self._document[key])

    def __iter__(self) -> Iterator[str]:
        """Yield the keys."""
        return iter(self._document)

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._document)

    @property
    def _document(self) -> Mapping[str, Any]:
        if self._made is None:
            self._made = self._make()
        return self._made


def _read_only(value: Any) -> Any:
    if isinstance(value, Mapping):
        return ReadOnlyDocument(lambda: value)
    return tuple(_read_only(item) for item in value) if isinstance(value, (list, tuple)) else value
