"""The store of the ledger in a retry: what is fetched before it, and the claim that keeps others out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from dbt_retry_plus.checks.levels import settled, stop_on_errors
from dbt_retry_plus.dbtcore.events import log_info, log_warning
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.execution.request import RetryRequest
from dbt_retry_plus.ledger.local import LedgerEntry, LocalLedger
from dbt_retry_plus.store_url import is_url, shown
from dbt_retry_plus.texts import in_short, some_of
from dbt_retry_plus.types import Chain, Finding
from dbt_retry_plus.words import Severity

if TYPE_CHECKING:
    from dbt_retry_plus.ledger.claims import Claim, Held
    from dbt_retry_plus.ledger.fetching import Fetcher
    from dbt_retry_plus.ledger.remote import RemoteLedger


class SharedLedger:
    """What one retry does with the store; nothing where settings name none."""

    def __init__(self, request: RetryRequest, ledger: LocalLedger) -> None:
        """Prepare.

        Args:
            request: What the user asked for.
            ledger: The ledger of this machine.
        """
        self.findings: tuple[Finding, ...] = ()
        self._request = request
        self._ledger = ledger
        self._used = is_url(request.settings.ledger) and not request.state
        self._fetcher: Fetcher | None = None

    def fetch(self, tag: str | None = None) -> None:
        """Fetch what is to be retried, as far as this machine lacks it.

        Args:
            tag: Fetch the newest invocation that was run for this task, and nothing where there is none.

        Raises:
            RetryRefusedError: The store cannot be reached, or its newest record cannot be read.
        """
        if not self._used:
            return
        from dbt_retry_plus.ledger.fetching import Fetcher
        from dbt_retry_plus.ledger.store import StoreUnreachableError

        remote = self.remote(self._request.running.environment)
        self.findings = remote.findings
        try:
            self._fetcher = Fetcher(remote, self._ledger)
            wanted = self._fetcher.newest_tagged(tag) if tag else self._request.invocation
            if wanted or not tag:
                self._fetcher.fetch_wanted(wanted)
        except StoreUnreachableError as error:
            self._fetcher = None
            self._unreachable(error)
        except OSError as error:
            raise self._not_writable(error) from None

    def fetch_rest(self) -> bool:
        """Fetch the other invocations too, where it matters whether they left anything; failing is a warning.

        Returns:
            Whether there is more on record on this machine than before.
        """
        if self._fetcher is None:
            return False
        from dbt_retry_plus.ledger.store import StoreUnreachableError

        try:
            return self._fetcher.fetch_all()
        except (StoreUnreachableError, OSError) as error:
            log_warning(f"Whether earlier invocations of other machines are unresolved is unknown: {error}.")
            return False

    def hint(self) -> str:
        """Say where else there is something on record, when nothing was found here."""
        if self._fetcher is None:
            return ""
        from dbt_retry_plus.ledger.store import StoreUnreachableError

        remote = self.remote(self._request.running.environment)
        with suppress(StoreUnreachableError):
            others = [name for name in remote.environments() if name != remote.environment]
            if others:
                return (
                    f" {remote.url} has records of other environments of this project ({some_of(others)}), and none of "
                    f"{remote.environment}: give --target as the first command did, or set ledger_environment."
                )
        return ""

    @contextmanager
    def claimed(self, chain: Chain, environment: str) -> Iterator[tuple[RemoteLedger, Claim | None] | None]:
        """Hold the claim to a chain, or refuse to run what somebody else works on.

        Args:
            chain: What is about to be retried.
            environment: Where it will run.

        Raises:
            RetryRefusedError: Somebody else holds it, or the store cannot be reached any more.
        """
        if not (self._used and self._request.settings.record):
            yield None
            return
        from dbt_retry_plus.ledger.claims import Claim
        from dbt_retry_plus.ledger.store import StoreUnreachableError

        request = self._request
        remote = self.remote(environment)
        root, latest = chain.original.invocation_id, chain.latest
        interval = request.settings.ledger_interval
        claim = Claim(remote, root, request.running.invocation_id, interval)
        try:
            if not claim.take(self._is_dead, _say_wait):
                log_warning(f"{remote.url} cannot keep two machines from retrying at once: see that they do not.")
            if latest.invocation_id != root and not latest.ended:
                Claim(remote, latest.invocation_id, "", interval).refuse_living(self._is_dead, _say_wait)
            self._refuse_overtaken(remote, chain)
        except StoreUnreachableError as error:
            self._release(claim)
            self._unreachable(error)
            log_warning(self.findings[-1].sentence)
            yield remote, None
            return
        except BaseException:
            self._release(claim)
            raise
        try:
            yield remote, claim
        finally:
            if not claim.kept:
                self._release(claim)

    def lacking(self, chain: Chain) -> list[LedgerEntry]:
        """Return the links of a chain that were recorded on this machine and that the store lacks."""
        if self._fetcher is None:
            return []
        ids = {link.invocation_id for link in chain.invocations}
        return self._fetcher.lacking([entry for entry in self._ledger.entries() if entry.invocation_id in ids])

    def remote(self, environment: str) -> RemoteLedger:
        """Return the ledger of an environment in the store."""
        from dbt_retry_plus.ledger.opening import remote_ledger

        request = self._request
        return remote_ledger(request.settings, request.project_root, request.project_name, environment, request.plugins)

    def _refuse_overtaken(self, remote: RemoteLedger, chain: Chain) -> None:
        if self._fetcher is None or remote.base != self._fetcher.base:
            return
        ids = {link.invocation_id for link in chain.invocations if link.recorded}
        if self._fetcher.overtaken(ids, named=self._request.invocation is not None):
            raise RetryRefusedError(
                f"Another dbt command was recorded in {remote.url} while this retry was planned. Try again."
            )

    def _is_dead(self, invocation_id: str) -> bool:
        """Whether a holder's process was one of this machine, and is gone."""
        from dbt_retry_plus.ledger.fetching import recorded_here

        entry = LedgerEntry(self._ledger.invocations / invocation_id, {})
        here = entry.folder.is_dir() and recorded_here(entry)
        return here and not self._ledger.is_running(invocation_id)

    def _unreachable(self, error: Exception) -> None:
        optional = self._request.ledger_optional
        finding = Finding(
            Severity.WARNING if optional else Severity.ERROR,
            "ledger-unreachable",
            f"The ledger in {shown(self._request.settings.ledger)} cannot be reached: {error}.",
            "What other machines have recorded is unknown."
            if optional
            else "See to it, or pass --ledger-optional to retry what is on record on this machine.",
        )
        levels = self._request.settings.checks
        stop_on_errors(settled([finding], levels, force=False))
        self.findings = (*self.findings, finding)

    def _not_writable(self, error: OSError) -> RetryRefusedError:
        return RetryRefusedError(
            f"Could not write to the ledger in '{self._ledger.folder}': {error.strerror}. Make it writable."
        )

    @staticmethod
    def _release(claim: Claim) -> None:
        from dbt_retry_plus.ledger.store import StoreUnreachableError

        with suppress(StoreUnreachableError):  # it expires
            claim.release()


def _say_wait(held: Held) -> None:
    log_info(
        f"Another process has claimed what is to be retried: seeing if it is alive (up to {in_short(held.lease)})."
    )
