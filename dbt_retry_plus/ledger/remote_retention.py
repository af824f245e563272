"""Keeping the ledger in a store within its bounds."""

from __future__ import annotations

from dbt_retry_plus.ledger import segments
from dbt_retry_plus.ledger.claims import newest
from dbt_retry_plus.ledger.remote import CLAIMS, RemoteInvocation, RemoteLedger
from dbt_retry_plus.planning.chain import chains_of
from dbt_retry_plus.settings import Settings

_MEGABYTE = 1_000_000


def prune_remote(remote: RemoteLedger, settings: Settings) -> None:
    """Discard the oldest chains until the ledger of a project and environment is within its bounds.

    As on this machine, a chain goes as a whole, and neither the newest one goes nor one that somebody works on.

    Raises:
        StoreUnreachableError: The store cannot be reached.
    """
    there = {invocation.invocation_id: invocation for invocation in remote.invocations()}
    kept, bytes_left = len(there), sum(invocation.size for invocation in there.values())
    for chain in _chains(there)[:-1]:
        if kept <= settings.keep_invocations and bytes_left <= settings.keep_megabytes * _MEGABYTE:
            return
        if any(_is_claimed(remote, invocation_id) for invocation_id in chain):
            continue
        for invocation_id in reversed(chain):
            _discard(remote, there[invocation_id])
            kept, bytes_left = kept - 1, bytes_left - there[invocation_id].size


def _chains(there: dict[str, RemoteInvocation]) -> list[tuple[str, ...]]:
    """The chains in the store, the one with the newest link last."""
    position = {invocation_id: number for number, invocation_id in enumerate(there)}
    chains = chains_of({invocation_id: invocation.retry_of for invocation_id, invocation in there.items()})
    return sorted(chains, key=lambda chain: max(position[invocation_id] for invocation_id in chain))


def _is_claimed(remote: RemoteLedger, invocation_id: str) -> bool:
    held = newest(remote.store, remote.base, invocation_id)
    return held is not None and not (held.released or held.expired())


def _discard(remote: RemoteLedger, invocation: RemoteInvocation) -> None:
    """Take an invocation out of the store: without its first line it is gone at once, its other objects soon after."""
    first = segments.name_of(1)
    for name in (first, *(name for name in invocation.objects if name != first)):
        remote.store.delete(invocation.place + name)
    for claim in remote.store.list(f"{remote.base}/{CLAIMS}/{invocation.invocation_id}/"):
        remote.store.delete(claim.name)
