"""The document of a node as it stands in `manifest.json`."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from dbt_retry_plus.dbtcore.fast.shape import shape_of

_AS_ARTIFACT: Mapping[str, Any] = MappingProxyType({"omit_none": False, "context": {"artifact": True}})
_HOOKS = ("__pre_serialize__", "__post_serialize__", "__pre_deserialize__", "__post_deserialize__", "__post_init__")
# The classes that were looked at, as dbt-core 1.8 to 1.12 have them.
_FORMS = """
02e88afa 045b3d9f 11c99dbf 13936116 1e11180d 263824f2 3771b746 377c2321 47195e55 48a1f652 561ab5d0
5cc63d9a 793e61fe 852bc46e 8c453574 8f667d30 9d631459 a1ffc9aa ae48a13f ba7508c3 bc2f1085 c0c19e9a
c16f60d8 c571770e d94fe4dc e4b19524 eaa24f38 ed449d84 efd701ec f12d137c fb1461fc fc7b0548
"""
CHECKED = frozenset(_FORMS.split())


class ResourceDocuments:
    """Makes the documents of nodes as dbt does, or without dbt's detour.

    dbt makes a document of a node, of that a resource, and of that a document again. The fields of a resource are
    among those of its node and have the same types, so a node that was itself made of a stored document has the same
    one. Whether that is so is looked at for each class: the first node goes both ways if it is of a class that nobody
    has looked at before, for which mashumaro has to make four methods.
    """

    def __init__(self) -> None:
        """Know no class yet."""
        self._own_fields: dict[type, frozenset[str] | None] = {}

    def direct(self, node: Any) -> Mapping[str, Any]:
        """Return the document of a node that was read from the partial-parse file and not touched since."""
        kind = type(node)
        if kind not in self._own_fields:
            self._own_fields[kind] = _own_fields(node)
        own = self._own_fields[kind]
        return by_detour(node) if own is None else _without(own, node)


def by_detour(node: Any) -> Mapping[str, Any]:
    """Return the document of any node, macro, or whatever else stands in the manifest, by dbt's way."""
    document: Mapping[str, Any] = node.to_resource().to_dict(**_AS_ARTIFACT)
    return document


def form_of(kind: type) -> str:
    """Return a text that two classes of nodes share if they, and their resources, have the same fields and hooks."""
    return f"{zlib.crc32(' '.join(_traits(kind)).encode()):08x}"


def _traits(kind: Any) -> Iterator[str]:
    yield kind.__name__
    for one in (kind, kind.resource_class()):
        yield from (field.name for field in dataclasses.fields(one))
        for base in one.__mro__:
            yield from (f"{base.__name__}.{hook}:{shape_of(vars(base)[hook])}" for hook in _HOOKS if hook in vars(base))


def _own_fields(node: Any) -> frozenset[str] | None:
    """The fields that a node has and its resource lacks; None where there is more between them."""
    types = {field.name: field.type for field in dataclasses.fields(node)}
    resource = {field.name: field.type for field in dataclasses.fields(node.resource_class())}
    if not resource.items() <= types.items():
        return None
    own = frozenset(types.keys() - resource.keys())
    if form_of(type(node)) in CHECKED:
        return own
    direct, detour = _without(own, node), by_detour(node)
    return own if direct == detour and list(direct) == list(detour) else None


def _without(own: frozenset[str], node: Any) -> Mapping[str, Any]:
    document: dict[str, Any] = node.to_dict(**_AS_ARTIFACT)
    for name in own:
        document.pop(name, None)
    return document
