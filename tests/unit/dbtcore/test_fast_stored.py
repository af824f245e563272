"""The partial-parse file is read as dbt reads it, whatever is in it, and what dbt refuses is refused."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import date, datetime, timezone
from typing import Any

import msgpack
import pytest
from dbt.contracts.graph import nodes
from dbt.contracts.graph.manifest import Manifest
from dbt.parser import manifest as parser
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.dbtcore.fast.documents import CHECKED, form_of
from dbt_retry_plus.dbtcore.fast.stored_manifest import STORED_MANIFEST

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
DOCUMENTS: list[Any] = [
    {},
    {"nodes": {}, "files": {}},
    {"nodes": {"a": {"deep": [{"er": None}]}, "b": 1}, "metadata": {"at": MOMENT, "on": date(2026, 1, 2)}, "files": {}},
    {"before": [1.5, "ü", b"bytes"], "files": {"f": {"at": MOMENT}}, "between": "x" * 200_000, "nodes": {"n": {}}},
    {"nodes": {"n": "x" * 200_000, "m": {"on": date(2026, 1, 2)}}},
]


def packed(document: Any) -> bytes:
    return bytes(parser.extended_mashumaro_encoder(document))


def decoded(content: bytes) -> Any:
    """What our decoder hands to dbt, with all of it decoded."""
    with STORED_MANIFEST.enter():
        document = parser.extended_mashumuro_decoder(content)
    if not isinstance(document, dict):
        return document
    return {name: dict(part.items()) if name in ("nodes", "files") else part for name, part in document.items()}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_is_decoded_as_by_dbt(document: Any) -> None:
    content = packed(document)
    with STORED_MANIFEST.enter():
        outline = parser.extended_mashumuro_decoder(content)
    assert not any(isinstance(outline.get(name), dict) for name in ("nodes", "files")), "dbt's own decoder did it"
    found = decoded(content)
    assert found == parser.extended_mashumuro_decoder(content) == document
    assert list(found) == list(document)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(nodes=st.dictionaries(st.text(), PLAIN), files=st.dictionaries(st.text(), PLAIN), other=PLAIN)
def test_any_document_is_decoded_as_by_dbt(nodes: Any, files: Any, other: Any) -> None:
    content = packed({"nodes": nodes, "other": other, "files": files})
    assert decoded(content) == parser.extended_mashumuro_decoder(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        packed({"nodes": {"a": 1}, "files": {}})[:-1],
        packed({"nodes": {"a": 1}}) + b"\x01",
        packed([1, 2]),
        packed("text"),
        b"\xc1",
        msgpack.packb({7: {}}),
        packed({"nodes": {"a": "x"}}).replace(b"x", b"\xff"),
        b"no msgpack at all, but a long text that goes on for a while",
    ],
)
def test_what_is_no_manifest_is_refused_in_the_end(content: bytes) -> None:
    """Either as it is decoded, by dbt's own decoder, or as objects are made of it; dbt then parses anew."""
    for context in (nullcontext(), STORED_MANIFEST.enter()):
        with context, pytest.raises(Exception):  # noqa: B017, PT011  # dbt catches whatever it is
            Manifest.from_msgpack(content, decoder=parser.extended_mashumuro_decoder)


def test_a_manifest_comes_back_as_it_was() -> None:
    manifest = Manifest()
    for number in range(3):
        macro = nodes.Macro.from_dict(
            {
                "name": f"m{number}",
                "resource_type": "macro",
                "package_name": "p",
                "path": "macros/m.sql",
                "original_file_path": "macros/m.sql",
                "unique_id": f"macro.p.m{number}",
                "macro_sql": "select 1",
                "meta": {"since": date(2026, 1, 2)},
            }
        )
        manifest.macros[macro.unique_id] = macro
    content = manifest.to_msgpack(parser.extended_mashumaro_encoder)
    expected = Manifest.from_msgpack(content, decoder=parser.extended_mashumuro_decoder)
    with STORED_MANIFEST.enter():
        found = Manifest.from_msgpack(content, decoder=parser.extended_mashumuro_decoder)
    assert found.macros == expected.macros == manifest.macros and found.nodes == {} == found.files
    assert found.to_msgpack(parser.extended_mashumaro_encoder) == expected.to_msgpack(parser.extended_mashumaro_encoder)


@pytest.mark.parametrize(
    "name",
    [
        "Documentation",
        "GenericTestNode",
        "HookNode",
        "Macro",
        "ModelNode",
        "SeedNode",
        "SingularTestNode",
        "SnapshotNode",
        "UnitTestDefinition",
    ],
)
def test_the_classes_of_nodes_are_those_that_were_looked_at(name: str) -> None:
    """Their documents are compared with dbt's in tests/functional/test_fast_artifacts.py."""
    assert form_of(getattr(nodes, name)) in CHECKED
