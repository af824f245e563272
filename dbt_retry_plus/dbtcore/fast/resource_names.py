"""Names of resources and relations compared without making a relation of each node, where all of them are different.

dbt makes one of each node of the project and renders it, to find two that would be the same. Where nothing is unusual
about the names, they are different if their parts are; wherever anything is, dbt looks itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from dbt.adapters.base.relation import BaseRelation
from dbt.adapters.contracts.relation import Path, Policy
from dbt.adapters.factory import get_relation_class_by_name
from dbt.parser import manifest as parser

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced
from dbt_retry_plus.dbtcore.fast.shape import shape_of

_CHECK = "_check_resource_uniqueness"
_CREATE, _RENDER = "create_from", "render"
_CHECKED = "__post_init__"
_INHERITED = ("create", "quoted", "_render_iterator", "__str__", "__pre_deserialize__", "__post_deserialize__")
# As dbt-duckdb has them, which do what they extend for all but sources and external files.
_EXTENDED = frozenset({"a806c090", "0419d94e"})
# Neither a quote nor a dot: rendering keeps such names apart.
_PLAIN = re.compile(r"[\w$-]+")


@contextmanager
def _compared_by_parts() -> Iterator[None]:
    look = vars(parser)[_CHECK]

    def check(manifest: Any, config: Any) -> None:
        usual = _is_usual(get_relation_class_by_name(config.credentials.type))
        if not (usual and _are_different(manifest.nodes.values())):
            look(manifest, config)

    with replaced(parser, _CHECK, check):
        yield


def _is_usual(kind: Any) -> bool:
    """Whether the relations of an adapter are made and rendered as those of dbt itself, with all of their parts.

    Some adapters leave out the database, or shorten or fold names.
    """
    inherited = all(_in_use(kind, name) is _in_use(BaseRelation, name) for name in _INHERITED)
    included = kind.get_default_include_policy()
    all_parts = type(included) is Policy and included == Policy()
    known = inherited and all(_is_known(kind, name) for name in (_CREATE, _RENDER))
    return known and all_parts and kind.__dataclass_fields__["path"].type is Path and not hasattr(kind, _CHECKED)


def _is_known(kind: Any, name: str) -> bool:
    function = _in_use(kind, name)
    return function is vars(BaseRelation)[name] or shape_of(function) in _EXTENDED


def _in_use(kind: Any, name: str) -> Any:
    return next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)


def _are_different(nodes: Iterable[Any]) -> bool:
    """Whether it is sure that no two nodes have the same name, or the same relation."""
    names: set[tuple[str, str]] = set()
    relations: set[tuple[Any, ...]] = set()
    databases: set[Any] = set()
    schemas: set[Any] = set()
    count = 0
    for node in nodes:
        if not node.is_relational:
            continue
        # dbt takes something out of a node's own quoting as it makes its relation.
        if node.is_versioned or node.quoting_dict or not _PLAIN.fullmatch(node.identifier):
            return False
        count += 1
        names.add((node.package_name, node.name))
        relations.add((node.database, node.schema, node.identifier))
        databases.add(node.database)
        schemas.add(node.schema)
    # Without a database there is one part less; a schema that is missing would make such a name look like another.
    plain = all(isinstance(place, str) and _PLAIN.fullmatch(place) for place in schemas | databases - {None})
    return plain and len(names) == len(relations) == count


RESOURCE_NAMES = Piece(
    "resource_names",
    _compared_by_parts,
    {
        f"dbt.parser.manifest:{_CHECK}": frozenset({"703bd3c9", "4bccddd9"}),
        f"dbt.adapters.base.relation:BaseRelation.{_CREATE}": frozenset({"70690e59", "9e66f2ab"}),
        f"dbt.adapters.base.relation:BaseRelation.{_RENDER}": frozenset({"bd91ea82"}),
        "dbt.adapters.base.relation:BaseRelation.create": frozenset({"d9f38425"}),
        "dbt.adapters.base.relation:BaseRelation.quoted": frozenset({"bd7e702d"}),
        "dbt.adapters.base.relation:BaseRelation._render_iterator": frozenset({"2f81ad7b"}),
        "dbt.adapters.base.relation:BaseRelation.__str__": frozenset({"1188df44", "35b692d5"}),
    },
)
