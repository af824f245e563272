"""Which command dbt's command line is running, and what it has set up for it.

Every command of dbt that loads a project asks this to learn whether it is recorded, so it imports little.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click


def command_setup() -> Mapping[str, Any]:
    """Return the flags, profile and project of the running command as far as they are set up; none outside of it."""
    context = click.get_current_context(silent=True)
    setup = context.obj if context else None
    return setup if isinstance(setup, dict) else {}


def running_command() -> str | None:
    """Return dbt's `which` of the command that dbt's command line is running; None outside of it."""
    return getattr(command_setup().get("flags"), "WHICH", None)
