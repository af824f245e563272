"""Which pieces are on, and the stretch of the command in which they work."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from dbt_retry_plus.dbtcore.fast.cache_events import CACHE_EVENTS
from dbt_retry_plus.dbtcore.fast.cache_schemas import CACHE_SCHEMAS
from dbt_retry_plus.dbtcore.fast.choice import chosen_names, is_chosen
from dbt_retry_plus.dbtcore.fast.dataclass_methods import DATACLASS_METHODS
from dbt_retry_plus.dbtcore.fast.extra_properties import EXTRA_PROPERTIES
from dbt_retry_plus.dbtcore.fast.flag_sources import FLAG_SOURCES
from dbt_retry_plus.dbtcore.fast.garbage import GARBAGE
from dbt_retry_plus.dbtcore.fast.generated_methods import GENERATED_METHODS
from dbt_retry_plus.dbtcore.fast.graph_cycles import GRAPH_CYCLES
from dbt_retry_plus.dbtcore.fast.graph_file import GRAPH_FILE
from dbt_retry_plus.dbtcore.fast.graph_members import GRAPH_MEMBERS
from dbt_retry_plus.dbtcore.fast.graph_subset import GRAPH_SUBSET
from dbt_retry_plus.dbtcore.fast.graph_summary import GRAPH_SUMMARY
from dbt_retry_plus.dbtcore.fast.jinja_graph import JINJA_GRAPH
from dbt_retry_plus.dbtcore.fast.manifest_once import MANIFEST_ONCE
from dbt_retry_plus.dbtcore.fast.piece import Piece
from dbt_retry_plus.dbtcore.fast.quick_exit import QUICK_EXIT
from dbt_retry_plus.dbtcore.fast.relation_quoting import RELATION_QUOTING
from dbt_retry_plus.dbtcore.fast.schema_checks import SCHEMA_CHECKS
from dbt_retry_plus.dbtcore.fast.test_edges import TEST_EDGES
from dbt_retry_plus.dbtcore.running import dbt_minor
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.startup import FAST_VARIABLE

PIECES: tuple[Piece, ...] = (
    GARBAGE,
    GENERATED_METHODS,
    DATACLASS_METHODS,
    SCHEMA_CHECKS,
    FLAG_SOURCES,
    EXTRA_PROPERTIES,
    JINJA_GRAPH,
    RELATION_QUOTING,
    MANIFEST_ONCE,
    GRAPH_CYCLES,
    GRAPH_SUMMARY,
    GRAPH_FILE,
    TEST_EDGES,
    GRAPH_MEMBERS,
    GRAPH_SUBSET,
    CACHE_SCHEMAS,
    CACHE_EVENTS,
    QUICK_EXIT,
)


@contextmanager
def saving_time(environment: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Let all pieces work that are wanted and can, and leave dbt as it was.

    Args:
        environment: Where `DBT_RETRY_PLUS_FAST` says which are wanted.
    """
    minor = dbt_minor()
    # All are looked at before the first of them replaces anything.
    able = [piece for piece in PIECES if is_chosen(piece.name, environment) and piece.obstacle(minor) is None]
    with ExitStack() as stack:
        for piece in able:
            stack.enter_context(piece.enter())
        yield


def refuse_unknown_pieces(environment: Mapping[str, str]) -> None:
    """Refuse a wish for a piece that there is not.

    Raises:
        RetryRefusedError: The environment names one.
    """
    known = [piece.name for piece in PIECES]
    unknown = [name for name in chosen_names(environment) or () if name not in known]
    if unknown:
        raise RetryRefusedError(
            f"{FAST_VARIABLE} names {unknown[0]!r}, which there is not. Say 0 for none, or some of: {', '.join(known)}."
        )
