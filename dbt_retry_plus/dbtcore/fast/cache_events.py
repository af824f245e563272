"""The events of dbt's cache of relations, not made where nobody hears them.

As dbt fills its cache it makes an event for each relation of the warehouse's schemas; without `--log-cache-events`
they are in no log.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dbt.events.logging
from dbt.adapters import cache
from dbt.adapters.events.types import CacheAction
from dbt_common.events.base_types import msg_from_base_event
from dbt_common.events.event_manager_client import get_event_manager

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced

_FIRE = "fire_event"
_OWN_PACKAGE = __name__.partition(".")[0]
# Looks at other events only; since dbt-core 1.9.
_OF_DBT = getattr(dbt.events.logging, "track_behavior_change_warn", None)


class _Audience:
    """Who hears events, and whether those of the cache are for anyone of them."""

    def __init__(self) -> None:
        self._known: tuple[list[Any], list[Any]] | None = None
        self._hears = True

    def hears(self) -> bool:
        manager = get_event_manager()
        now = (manager.loggers, manager.callbacks)
        if now != self._known:
            message = msg_from_base_event(CacheAction())
            self._hears = any(logger.filter(message) for logger in manager.loggers) or not all(
                _is_deaf(callback) for callback in manager.callbacks
            )
            self._known = (list(manager.loggers), list(manager.callbacks))
        return self._hears


def _is_deaf(callback: Any) -> bool:
    """Whether a listener passes over the cache's events: ours and dbt's do, of a program's that is not known."""
    return callback is _OF_DBT or str(getattr(callback, "__module__", "")).partition(".")[0] == _OWN_PACKAGE


class _Unmade:
    """What stands for an event until somebody is known to hear it."""

    def __init__(self, **said: Any) -> None:
        self.said = said


@contextmanager
def _only_where_heard() -> Iterator[None]:
    fire = vars(cache)[_FIRE]
    audience = _Audience()

    def fire_event(event: Any, *arguments: Any, **keywords: Any) -> None:
        if not isinstance(event, _Unmade):
            fire(event, *arguments, **keywords)
        elif audience.hears():
            fire(CacheAction(**event.said), *arguments, **keywords)

    with replaced(cache, CacheAction.__name__, _Unmade), replaced(cache, _FIRE, fire_event):
        yield


CACHE_EVENTS = Piece(
    "cache_events",
    _only_where_heard,
    {
        "dbt.adapters.cache:fire_event": frozenset({"d4d08344"}),
        "dbt_common.events.event_manager:EventManager.fire_event": frozenset({"940ec794"}),
    },
)
