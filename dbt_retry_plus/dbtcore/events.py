"""Speaking to the user through dbt's log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dbt_common import ui
from dbt_common.events.base_types import EventLevel
from dbt_common.events.event_manager_client import get_event_manager
from dbt_common.events.functions import fire_event
from dbt_common.events.types import Note

from dbt_retry_plus.words import Tone


def painted(text: str, tone: Tone) -> str:
    """Give a text a colour, where dbt's options want colours."""
    paint = {Tone.GOOD: ui.green, Tone.BAD: ui.red, Tone.WARNING: ui.yellow}[tone]
    return str(paint(text))


def log_info(message: str) -> None:
    """Log a line at info level, as dbt's own notes are."""
    fire_event(Note(msg=message), level=EventLevel.INFO)


def log_warning(message: str) -> None:
    """Log a warning that `--warn-error` does not turn into an error."""
    manager = get_event_manager()
    # Since dbt-core 1.10 a project's flag can have every warning handled by --warn-error, wherever it is fired.
    handled = getattr(manager, "require_warn_or_error_handling", False)
    if handled:
        manager.require_warn_or_error_handling = False
    try:
        fire_event(Note(msg=message), level=EventLevel.WARN)
    finally:
        if handled:
            manager.require_warn_or_error_handling = True


@contextmanager
def silenced_events() -> Iterator[None]:
    """Let dbt work something out once more without repeating what the original command has said about it."""
    manager = get_event_manager()
    loggers, callbacks = manager.loggers, manager.callbacks
    manager.loggers, manager.callbacks = [], []
    try:
        yield
    finally:
        manager.loggers, manager.callbacks = loggers, callbacks
