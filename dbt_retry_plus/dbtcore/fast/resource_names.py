"""Names of resources and relations compared without making a relation of each node, where all of them are different.

dbt makes one of each node of the project and renders it, to find two that would be the same. Where nothing is unusual
about the names, they are different if their parts are; wherever anything is, dbt looks itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from dbt.adapters.factory import get_relation_class_by_name
from dbt.parser import manifest as parser

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced
from dbt_retry_plus.dbtcore.fast.usual_relations import RELIES_ON, made_as_usual, rendered_as_usual

_CHECK = "_check_resource_uniqueness"
# Neither a quote nor a dot: rendering keeps such names apart.
_PLAIN = re.compile(r"[\w$-]+")


@contextmanager
def _compared_by_parts() -> Iterator[None]:
    look = vars(parser)[_CHECK]

    def check(manifest: Any, config: Any) -> None:
        kind = get_relation_class_by_name(config.credentials.type)
        usual = made_as_usual(kind) and rendered_as_usual(kind)
        if not (usual and _are_different(manifest.nodes.values())):
            look(manifest, config)

    with replaced(parser, _CHECK, check):
        yield


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
    {f"dbt.parser.manifest:{_CHECK}": frozenset({"703bd3c9", "4bccddd9"}), **RELIES_ON},
)
