"""Importing dbt's command line in less time where our own command is what it is imported for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from dbt_retry_plus.startup import COMMAND, SCRIPT

# One of them before ours is the command, and ours the value of an option.
_COMMANDS_OF_DBT = frozenset(
    (
        *("build", "clean", "clone", "compile", "debug", "deps", "docs", "init", "list", "ls", "parse", "retry"),
        *("run", "run-operation", "seed", "show", "snapshot", "source", "test"),
    )
)


@contextmanager
def importing_dbt() -> Iterator[None]:
    """Import dbt as ever, or for our own command without what a retry has no use for.

    Other commands of dbt are left alone, as are programs that import it.
    """
    with ExitStack() as stack:
        try:
            if _is_for_us():
                _save_time(stack)
        except Exception:
            stack.close()  # whatever is odd about this process, dbt is imported as ever
        yield


def _is_for_us() -> bool:
    from dbt_retry_plus.dbtcore.fast.process import command_line, is_a_script

    script, words = command_line()
    ours = script == SCRIPT or (COMMAND in words and _COMMANDS_OF_DBT.isdisjoint(words[: words.index(COMMAND)]))
    return ours and is_a_script()


def _save_time(stack: ExitStack) -> None:
    from dbt_retry_plus.dbtcore.fast.choice import OF_IMPORTS, is_chosen, piece_named
    from dbt_retry_plus.startup.collecting import collecting_nothing

    if is_chosen("garbage", os.environ):
        stack.enter_context(collecting_nothing())
    minor = _minor_of_dbt()
    for name in OF_IMPORTS:
        piece = piece_named(name) if is_chosen(name, os.environ) else None
        if piece is not None and piece.unfamiliar(minor) is None:
            stack.enter_context(piece.enter())


def _minor_of_dbt() -> str:
    from importlib.metadata import version

    try:
        return ".".join(version("dbt-core").split(".")[:2])
    except Exception:  # no METADATA, or a damaged one, which differs between Pythons: as a dbt that nobody looked at
        return ""
