"""What a fault is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

BOTH_STATES = ("fresh", "grown")


def nothing(_: Any) -> None:
    """What is done where nothing is to be done."""


@dataclass(frozen=True)
class Fault:
    """A fault, and what is right when it comes.

    Attributes:
        name: What it is called in the count.
        nodes: Those that it may be for.
        passes: Whether it passes, so that attempts heal it; else nothing may be tried again.
        prepare: What is done before the retry.
        meddle: What is done while the retry runs, in a thread of its own.
        arguments: Further arguments of the retry.
        states: The states in which it makes sense.
        threads: How many nodes may run at once.
        through_proxy: Whether dbt speaks to the server through the proxy.
        hits: Whether the node fails in any case; a fault at a random moment may come too late.
        keeps_counts: Whether the database's counts of executions survive it.
        loses_commits: Whether a commit may be done of which dbt is told that it failed.
        began: How often the node begins in the database where the fault stays: dbt compiles before that.
        before_nodes: Whether it comes before the first node, so that no node has a failed attempt.
        weight: How often it is chosen, compared with others.
    """

    name: str
    nodes: tuple[str, ...]
    passes: bool = True
    prepare: Callable[[Any], None] = nothing
    meddle: Callable[[Any], None] = nothing
    arguments: tuple[str, ...] = ()
    states: tuple[str, ...] = BOTH_STATES
    threads: tuple[int, ...] = (1, 4)
    through_proxy: bool = False
    hits: bool = True
    keeps_counts: bool = True
    loses_commits: bool = False
    began: int = 1
    before_nodes: bool = False
    weight: int = 1
