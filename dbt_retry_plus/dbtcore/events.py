"""Speaking to the user through dbt's log."""

from __future__ import annotations

from dbt_common.events.base_types import EventLevel
from dbt_common.events.functions import fire_event
from dbt_common.events.types import Note


def log_info(message: str) -> None:
    """Log a line at info level, as dbt's own notes are."""
    fire_event(Note(msg=message), level=EventLevel.INFO)


def log_warning(message: str) -> None:
    """Log a warning that `--warn-error` does not turn into an error."""
    fire_event(Note(msg=message), level=EventLevel.WARN)
