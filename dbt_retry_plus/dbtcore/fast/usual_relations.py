"""Telling whether an adapter's relations are made and rendered as those of dbt itself."""

from __future__ import annotations

from typing import Any

from dbt.adapters.base.relation import BaseRelation
from dbt.adapters.contracts.relation import Path, Policy

from dbt_retry_plus.dbtcore.fast.shape import shape_of

_MADE = ("create", "__pre_deserialize__", "__post_deserialize__")
_RENDERED = ("quoted", "_render_iterator", "__str__")
_CREATE, _RENDER = "create_from", "render"
# As dbt-duckdb has them, which do what they extend for all but sources and external files.
_EXTENDED = frozenset({"a806c090", "0419d94e"})
RELIES_ON = {
    "dbt.adapters.base.relation:BaseRelation.create": frozenset({"d9f38425"}),
    f"dbt.adapters.base.relation:BaseRelation.{_CREATE}": frozenset({"70690e59", "9e66f2ab"}),
    f"dbt.adapters.base.relation:BaseRelation.{_RENDER}": frozenset({"bd91ea82"}),
    "dbt.adapters.base.relation:BaseRelation.quoted": frozenset({"bd7e702d"}),
    "dbt.adapters.base.relation:BaseRelation._render_iterator": frozenset({"2f81ad7b"}),
    "dbt.adapters.base.relation:BaseRelation.__str__": frozenset({"1188df44", "35b692d5"}),
}


def made_as_usual(kind: Any) -> bool:
    """Tell whether a relation is made of its parts, and nothing else looks at them or changes them."""
    inherited = all(_in_use(kind, name) is _in_use(BaseRelation, name) for name in _MADE)
    return inherited and not hasattr(kind, "__post_init__") and kind.__dataclass_fields__["path"].type is Path


def rendered_as_usual(kind: Any) -> bool:
    """Tell whether a relation that is `made_as_usual`, of a node too, is rendered with all of its parts.

    Some adapters leave out the database, or shorten or fold names.
    """
    inherited = all(_in_use(kind, name) is _in_use(BaseRelation, name) for name in _RENDERED)
    included = kind.get_default_include_policy()
    all_parts = type(included) is Policy and included == Policy()
    return inherited and all_parts and all(_is_known(kind, name) for name in (_CREATE, _RENDER))


def _is_known(kind: Any, name: str) -> bool:
    function = _in_use(kind, name)
    return function is vars(BaseRelation)[name] or shape_of(function) in _EXTENDED


def _in_use(kind: Any, name: str) -> Any:
    return next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)
