"""Which pieces are on, and the stretch of the command in which they work."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from dbt_retry_plus.dbtcore.fast.choice import NAMES, chosen_names, is_chosen, piece_named
from dbt_retry_plus.dbtcore.fast.piece import Piece
from dbt_retry_plus.dbtcore.running import dbt_minor
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.startup import FAST_VARIABLE


@contextmanager
def saving_time(environment: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Let all pieces work that are wanted and can, and leave dbt as it was.

    Args:
        environment: Where `DBT_RETRY_PLUS_FAST` says which are wanted.
    """
    minor = dbt_minor()
    # All are looked at before the first of them replaces anything.
    able = [piece for piece in chosen_pieces(environment) if piece.obstacle(minor) is None]
    with ExitStack() as stack:
        for piece in able:
            stack.enter_context(piece.enter())
        yield


def chosen_pieces(environment: Mapping[str, str]) -> tuple[Piece, ...]:
    """Return the pieces that the environment asks for, without those that know nothing of this dbt."""
    found = (piece_named(name) for name in NAMES if is_chosen(name, environment))
    return tuple(piece for piece in found if piece is not None)


def refuse_unknown_pieces(environment: Mapping[str, str]) -> None:
    """Refuse a wish for a piece that there is not.

    Raises:
        RetryRefusedError: The environment names one.
    """
    unknown = [name for name in chosen_names(environment) or () if name not in NAMES]
    if unknown:
        raise RetryRefusedError(
            f"{FAST_VARIABLE} names {unknown[0]!r}, which there is not. Say 0 for none, or some of: {', '.join(NAMES)}."
        )
