"""Looking at a ledger in a store from anywhere, with no project at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.claims import newest
from dbt_retry_plus.ledger.fetching import files_of
from dbt_retry_plus.ledger.journal import JOURNAL
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.ledger.remote import CLAIMS, grouped
from dbt_retry_plus.ledger.run_results import RUN_RESULTS
from dbt_retry_plus.ledger.store import StoreUnreachableError, opener
from dbt_retry_plus.ledger.summary import SUMMARY
from dbt_retry_plus.plugin_manager import load_plugins
from dbt_retry_plus.settings import Settings, read_disabled_plugins
from dbt_retry_plus.store_url import refuse_credentials, shown
from dbt_retry_plus.types import Store, StoredObject


def fetched_ledger(
    url: str, folder: Path, environment: Mapping[str, str], warn: Callable[[str], object]
) -> LocalLedger:
    """Fetch all invocations in a store, of all projects, as far as it takes to list and show them.

    Args:
        url: The URL of the ledger, as settings give it.
        folder: Where to put them.
        environment: The variables of the environment.
        warn: Is told what is wrong with plugins that were asked for a store.

    Raises:
        RetryRefusedError: The URL holds credentials, or the store cannot be reached.
    """
    refuse_credentials(url, "--ledger")
    plugins = load_plugins(Settings(disable_plugins=read_disabled_plugins(environment)), None)
    open_store, findings = opener(url, plugins)
    for finding in findings:
        warn(finding.sentence)
    try:
        store = open_store()
        objects = [*store.list("")]
        ledger = LocalLedger(folder, frozenset(_running(store, objects)), shown(url))
        for invocation in grouped(objects):
            files = files_of(store, invocation, (RUN_RESULTS, SUMMARY))
            if files[JOURNAL]:
                ledger.put(invocation.invocation_id, files)
    except StoreUnreachableError as error:
        raise RetryRefusedError(f"The ledger in {shown(url)} cannot be reached: {error}. See to it.") from None
    return ledger


def _running(store: Store, objects: list[StoredObject]) -> Iterator[str]:
    """The invocations that somebody claims to be working on."""
    places = {tuple(each.name.split("/")[:4]) for each in objects if f"/{CLAIMS}/" in each.name}
    for place in places:
        if len(place) == 4 and place[2] == CLAIMS:
            held = newest(store, "/".join(place[:2]), place[3])
            if held is not None and not (held.released or held.expired(timedelta(seconds=held.lease))):
                yield held.invocation_id
