"""The document of a node as it stands in `manifest.json`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_AS_ARTIFACT: Mapping[str, Any] = MappingProxyType({"omit_none": False, "context": {"artifact": True}})


class ResourceDocuments:
    """Makes the documents of nodes as dbt does, or without dbt's detour.

    dbt makes a document of a node, of that a resource, and of that a document again. The fields of a resource are
    among those of its node and have the same types, so a node that was itself made of a stored document has the same
    one. Whether that is so is looked at for each class: the first node of it goes both ways.
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


def _own_fields(node: Any) -> frozenset[str] | None:
    """The fields that a node has and its resource lacks; None where there is more between them."""
    types = {field.name: field.type for field in dataclasses.fields(node)}
    resource = {field.name: field.type for field in dataclasses.fields(node.resource_class())}
    if not resource.items() <= types.items():
        return None
    own = frozenset(types.keys() - resource.keys())
    direct, detour = _without(own, node), by_detour(node)
    return own if direct == detour and list(direct) == list(detour) else None


def _without(own: frozenset[str], node: Any) -> Mapping[str, Any]:
    document: dict[str, Any] = node.to_dict(**_AS_ARTIFACT)
    for name in own:
        document.pop(name, None)
    return document
