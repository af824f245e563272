"""What a chain left unproven, and nobody has proven since."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from dbt_retry_plus.commands import COMMANDS_THAT_BUILD_OR_TEST
from dbt_retry_plus.types import Chain

# A node that ran under one of these did not do what it does without them.
_PARTIAL: Mapping[str, Any] = MappingProxyType({"empty": False, "sample": None})

# What tells two invocations of one command apart.
_SELECTING = (
    "select",
    "exclude",
    "selector",
    "models",
    "resource_types",
    "exclude_resource_types",
    "macro",
    "args",
)

_UNKNOWN_SELECTION = "its selection"


def unproven_since(chain: Chain, later: Collection[Chain]) -> frozenset[str]:
    """Return the nodes of a chain that it left unproven and that no later chain has proven.

    A chain that was cut short before its selection was recorded counts as one unproven node.

    Args:
        chain: An earlier chain.
        later: The chains that came after it.
    """
    unproven = {outcome.unique_id for outcome in chain.outcomes.values() if not outcome.proven}
    original = chain.original
    unknown = not original.ended and original.selection is None and not chain.tells_all
    if unknown and not _replaced(chain, later):
        unproven.add(_UNKNOWN_SELECTION)
    for other in later:
        if _proves_for(other, chain):
            unproven -= {outcome.unique_id for outcome in other.outcomes.values() if outcome.proven}
            unproven -= _never_run(other)
    return frozenset(unproven)


def _never_run(chain: Chain) -> frozenset[str]:
    """What a chain selected and had no outcome for although it came to all of its nodes: ephemeral models."""
    original = chain.original
    if original.selection is None or not original.tells_all:
        return frozenset()
    return original.selection - original.outcomes.keys()


def _replaced(chain: Chain, later: Collection[Chain]) -> bool:
    """Whether the same command was run again, with the same selection, and came to its end."""
    mine = chain.original
    return any(
        _proves_for(other, chain)
        and other.latest.ended
        and other.original.command == mine.command
        and all(other.original.arguments.get(name) == mine.arguments.get(name) for name in _SELECTING)
        for other in later
    )


def _proves_for(other: Chain, chain: Chain) -> bool:
    """Whether a success in one command counts for the other: a compiled model is not a built one."""
    theirs, mine = other.original, chain.original
    if theirs.command != mine.command and theirs.command not in COMMANDS_THAT_BUILD_OR_TEST:
        return False
    same_place = theirs.target == mine.target and theirs.profile == mine.profile
    return same_place and all(
        theirs.arguments.get(name, default) == mine.arguments.get(name, default) for name, default in _PARTIAL.items()
    )
