"""What a piece is, and how one replaces a function of dbt's for a while."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from dbt_retry_plus.dbtcore.fast.shape import shape_of

ALL_MINORS = frozenset({"1.8", "1.9", "1.10", "1.11", "1.12"})


@dataclass(frozen=True)
class Piece:
    """One way to save time.

    Attributes:
        name: What `DBT_RETRY_PLUS_FAST` calls it.
        enter: Gives a context in which it works; leaving it, however, puts everything back.
        relies_on: The functions that it replaces or takes for known (`module:Class.function`), and the shapes in
            which it knows each.
        minors: The minors of dbt-core that it was checked on.
        fits: Tells whether what it needs of the process holds.
    """

    name: str
    enter: Callable[[], AbstractContextManager[None]]
    relies_on: Mapping[str, frozenset[str]] = field(default_factory=dict)
    minors: frozenset[str] = ALL_MINORS
    fits: Callable[[], bool] = lambda: True

    def obstacle(self, minor: str) -> str | None:
        """Return why this piece has to stay off; None where it can work.

        Args:
            minor: That of dbt-core, as in `1.11`.
        """
        return self.unfamiliar(minor) or (None if self.fits() else "what it needs of the process does not hold")

    def unfamiliar(self, minor: str) -> str | None:
        """Return what of dbt this piece was not checked on; None where it knows everything."""
        if minor not in self.minors:
            return f"it was not checked on dbt-core {minor}"
        unknown = next((path for path, shapes in self.relies_on.items() if _shape_at(path) not in shapes), None)
        return f"{unknown} is not as it was when this was checked" if unknown is not None else None


@contextmanager
def replaced(owner: Any, name: str, function: Any) -> Iterator[None]:
    """Replace an attribute of a module or class, and put back what was there, or nothing.

    Args:
        owner: The module or class.
        name: The attribute.
        function: What stands there meanwhile.
    """
    was_there = name in vars(owner)
    before = vars(owner).get(name)
    setattr(owner, name, function)
    try:
        yield
    finally:
        if was_there:
            setattr(owner, name, before)
        else:
            delattr(owner, name)


def _shape_at(path: str) -> str | None:
    module_name, _, names = path.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
        for name in names.split("."):
            found = vars(found)[name]
    except (ImportError, KeyError, TypeError):
        return None
    return shape_of(found)
