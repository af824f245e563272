"""Opening the ledger that settings keep in a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dbt_retry_plus.store_url import shown

if TYPE_CHECKING:
    from dbt_retry_plus.ledger.remote import RemoteLedger
    from dbt_retry_plus.plugin_manager import Plugins
    from dbt_retry_plus.settings import Settings


def remote_ledger(
    settings: Settings, project_root: Path | None, project: str, environment: str, plugins: Plugins | None = None
) -> RemoteLedger:
    """Return the ledger of a project and environment in the store that settings name; nothing is opened yet.

    Args:
        settings: What the project sets; its `ledger` is a URL.
        project_root: The project's folder.
        project: Its name.
        environment: What tells its environments apart, unless settings name it.
        plugins: The plugins, where they are loaded.

    Raises:
        RetryRefusedError: Settings name a plugin that is not there.
    """
    # Most projects have no store, and need not pay for what it takes.
    from dbt_retry_plus.ledger.remote import RemoteLedger
    from dbt_retry_plus.ledger.store import opener
    from dbt_retry_plus.plugin_manager import load_plugins

    open_store, findings = opener(settings.ledger, plugins or load_plugins(settings, project_root))
    place = settings.ledger_environment or environment
    return RemoteLedger(open_store, shown(settings.ledger), project, place, findings)
