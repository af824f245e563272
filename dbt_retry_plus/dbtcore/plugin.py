"""dbt's own kind of plugin (marked experimental by dbt; the same in 1.8 to 1.12)."""

from __future__ import annotations

from dbt.plugins.manager import dbt_hook, dbtPlugin

__all__ = ["dbtPlugin", "dbt_hook"]
