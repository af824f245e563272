"""Looking at a ledger in a store from anywhere, with no project at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import timedelta
from operator import methodcaller
from pathlib import Path

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.claims import newest
from dbt_retry_plus.ledger.fetching import files_of
from dbt_retry_plus.ledger.files import write_atomically
from dbt_retry_plus.ledger.journal import JOURNAL
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.ledger.remote import CLAIMS, RemoteInvocation, grouped, read_artifact
from dbt_retry_plus.ledger.reports import REPORT
from dbt_retry_plus.ledger.run_results import MANIFEST, RUN_RESULTS
from dbt_retry_plus.ledger.store import StoreUnreachableError, opener
from dbt_retry_plus.ledger.summary import SUMMARY
from dbt_retry_plus.plugin_manager import plugins_of_environment
from dbt_retry_plus.store_url import refuse_credentials, shown
from dbt_retry_plus.types import Store, StoredObject


class FetchedLedger(LocalLedger):
    """A copy of what a store holds; what is large is fetched when it is asked for."""

    def __init__(self, folder: Path, running: AbstractSet[str], url: str, store: Store) -> None:
        """Begin with nothing.

        Args:
            folder: Where the copies go.
            running: Invocations that somebody claims to be working on.
            url: The URL of the store, as it may be shown.
            store: The store.
        """
        super().__init__(folder, running, url)
        self._store = store
        self._there: dict[str, RemoteInvocation] = {}

    def fetch(self, invocation: RemoteInvocation) -> None:
        """Copy as much of an invocation as it takes to list and show it; nothing of one whose journal is torn.

        Raises:
            StoreUnreachableError: The store cannot be reached.
        """
        files = files_of(self._store, invocation, (RUN_RESULTS, SUMMARY))
        if files[JOURNAL]:
            self.put(invocation.invocation_id, files)
            self._there[invocation.invocation_id] = invocation

    def complete(self, invocation_id: str) -> None:
        """Copy the report of an invocation; where there is none, the manifest that it is made from.

        Raises:
            RetryRefusedError: The store cannot be reached any more, or the copy cannot be written.
        """
        for artifact in (REPORT, MANIFEST):
            try:
                data = read_artifact(self._store, self._there[invocation_id], artifact)
                if data is not None:
                    write_atomically(self.invocations / invocation_id / artifact, methodcaller("write", data))
                    return
            except StoreUnreachableError as error:
                raise _unreachable(self.name, error) from None
            except OSError as error:
                raise _no_room(self.folder, error) from None


def fetched_ledger(
    url: str, folder: Path, environment: Mapping[str, str], warn: Callable[[str], object]
) -> FetchedLedger:
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
    plugins = plugins_of_environment(environment)
    open_store, findings = opener(url, plugins)
    for finding in findings:
        warn(finding.sentence)
    try:
        store = open_store()
        objects = [*store.list("")]
        ledger = FetchedLedger(folder, frozenset(_running(store, objects)), shown(url), store)
        for invocation in grouped(objects):
            ledger.fetch(invocation)
    except StoreUnreachableError as error:
        raise _unreachable(shown(url), error) from None
    except OSError as error:
        raise _no_room(folder, error) from None
    return ledger


def _unreachable(url: str, error: StoreUnreachableError) -> RetryRefusedError:
    return RetryRefusedError(f"The ledger in {url} cannot be reached: {error}. See to it.")


def _no_room(folder: Path, error: OSError) -> RetryRefusedError:
    return RetryRefusedError(
        f"The ledger could not be copied to '{folder}': {error.strerror}. Let TMPDIR name a folder with room for it."
    )


def _running(store: Store, objects: list[StoredObject]) -> Iterator[str]:
    """The invocations that somebody claims to be working on."""
    places = {tuple(each.name.split("/")[:4]) for each in objects if f"/{CLAIMS}/" in each.name}
    for place in places:
        if len(place) == 4 and place[2] == CLAIMS:
            held = newest(store, "/".join(place[:2]), place[3])
            if held is not None and not (held.released or held.expired(timedelta(seconds=held.lease))):
                yield held.invocation_id
