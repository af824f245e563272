"""What `DBT_RETRY_PLUS_FAST` says: everything, nothing, or some pieces by name."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dbt_retry_plus.startup import FAST_VARIABLE

if TYPE_CHECKING:
    from dbt_retry_plus.dbtcore.fast.piece import Piece

# Those that act while dbt is imported too.
OF_IMPORTS = ("generated_methods", "dataclass_methods", "dataclass_docs")

# Each is a module beside this one, and in it a constant of the same name; in the order in which they begin.
NAMES = (
    "garbage",
    *OF_IMPORTS,
    "schema_checks",
    "flag_sources",
    "stored_manifest",
    "source_files",
    "extra_properties",
    "jinja_graph",
    "relation_quoting",
    "resource_names",
    "node_edges",
    "manifest_once",
    "graph_cycles",
    "graph_summary",
    "graph_file",
    "test_edges",
    "graph_members",
    "select_all",
    "graph_subset",
    "cache_schemas",
    "cache_events",
    "listed_relations",
    "relation_search",
    "quick_exit",
)

_OFF = frozenset({"0", "false", "no", "off"})
_ALL = frozenset({"", "1", "true", "yes", "on"})


def is_chosen(name: str, environment: Mapping[str, str]) -> bool:
    """Tell whether the environment asks for the piece of this name; it does unless it says otherwise."""
    names = chosen_names(environment)
    return names is None or name in names


def chosen_names(environment: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the names that the environment gives, whether there are such pieces or not; None for all pieces."""
    text = environment.get(FAST_VARIABLE, "").strip().lower()
    if text in _ALL:
        return None
    return () if text in _OFF else tuple(name.strip() for name in text.split(",") if name.strip())


def piece_named(name: str) -> Piece | None:
    """Return a piece; None where what it is about is not in this dbt."""
    try:
        module = importlib.import_module(f"dbt_retry_plus.dbtcore.fast.{name}")
    except (ImportError, AttributeError):  # dbt has nothing of that name, or elsewhere
        return None
    piece: Piece = getattr(module, name.upper())
    return piece
