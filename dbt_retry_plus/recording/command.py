"""Which command dbt is running.

Every command of dbt that loads a project asks this to learn whether it is recorded, so it imports little.
"""

from __future__ import annotations

import click


def running_command() -> str | None:
    """Return dbt's `which` of the command that dbt's command line is running; None outside of it."""
    context = click.get_current_context(silent=True)
    setup = context.obj if context else None
    flags = setup.get("flags") if isinstance(setup, dict) else None
    return getattr(flags, "WHICH", None)
