"""Which invocations belong together, and what they prove as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from dbt_retry_plus.commands import RUN_OPERATION
from dbt_retry_plus.types import Chain, Invocation, Outcome
from dbt_retry_plus.words import NOT_STARTED


def chain_of(invocation_id: str, retried: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the ids of the chain that an invocation is part of, oldest first.

    Args:
        invocation_id: Any link of the chain.
        retried: The ids on the ledger, oldest first, each with the id that it retried.
    """
    return next((chain for chain in chains_of(retried) if invocation_id in chain), ())


def chains_of(retried: Mapping[str, str | None]) -> list[tuple[str, ...]]:
    """Return all chains, each oldest first; the retries of one that is gone belong together.

    Args:
        retried: As in `chain_of`. Machines differ in their clocks: what was retried comes before its retries all
            the same.
    """
    root_of: dict[str, str] = {}
    chains: dict[str, list[str]] = {}
    for invocation_id in retried:
        new: dict[str, None] = {}
        link: str | None = invocation_id
        while link and link not in root_of and link not in new:  # a circle is damage; it must not keep us here for ever
            new[link] = None
            link = retried.get(link)
        root = root_of.get(link or "", next(reversed(new), invocation_id))
        for member in reversed(new):
            root_of[member] = root
            if member in retried:
                chains.setdefault(root, []).append(member)
    return [tuple(chain) for chain in chains.values()]


def fold(invocations: Sequence[Invocation]) -> Chain:
    """Make one chain of an invocation and its retries: the newest outcome of each node counts.

    Args:
        invocations: At least one, oldest first.
    """
    outcomes: dict[str, Outcome] = {}
    whole: frozenset[str] | None = None
    for invocation in invocations:
        newer = all_outcomes(invocation)
        outcomes.update({u: _with_earlier_batches(outcome, outcomes.get(u)) for u, outcome in newer.items()})
        whole = invocation.whole_selection if invocation.whole_selection is not None else whole
    if whole is not None and invocations[0].command != RUN_OPERATION:  # its macro is planned by name, and has an id
        # A retry knows better than the original's record: ephemeral models are never run, and what is gone is gone.
        outcomes = {u: o for u, o in outcomes.items() if o.status != NOT_STARTED or o.is_hook or u in whole}
        outcomes.update(absent(whole, outcomes))
    return Chain(tuple(invocations), outcomes)


def _with_earlier_batches(newer: Outcome, earlier: Outcome | None) -> Outcome:
    """Batches stay done when the model was retried and did not come to a result of its own."""
    if newer.proven or newer.batch_results or earlier is None or earlier.proven or not earlier.batch_results:
        return newer
    return replace(newer, batch_results=earlier.batch_results)


def all_outcomes(invocation: Invocation) -> dict[str, Outcome]:
    """Return the outcomes of an invocation, those of the nodes that it never reached included."""
    return {**invocation.outcomes, **not_started(invocation)}


def not_started(invocation: Invocation) -> dict[str, Outcome]:
    """Return the selected nodes that an invocation never reached, as far as its record names them."""
    if invocation.selection is None or invocation.command == RUN_OPERATION:
        return {}
    if invocation.tells_all and invocation.expected_nodes is not None:
        return {}  # what a retry of ours set out to run is known to the node, and not announced as a number
    return absent(invocation.selection, invocation.outcomes)


def absent(selection: Iterable[str], outcomes: Mapping[str, Outcome]) -> dict[str, Outcome]:
    """Return an outcome `not started` for every node of a selection that has no outcome."""
    return {unique_id: Outcome(unique_id, NOT_STARTED) for unique_id in selection if unique_id not in outcomes}
