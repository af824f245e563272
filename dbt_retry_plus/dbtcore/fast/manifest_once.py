"""`manifest.json` written as often as dbt writes it, with each of its nodes made into text once.

dbt writes it before the nodes run and after them, and makes of each node a document, of that another object, of that a
document again, and of that text. Here the text of a node is kept for the second time, for as long as the node is the
same; the file that a killed process leaves is dbt's.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from itertools import chain, repeat
from operator import is_
from pathlib import Path
from typing import Any

from dbt.artifacts.schemas.base import Writable
from dbt.artifacts.schemas.manifest import WritableManifest
from dbt.contracts.graph import manifest as manifest_module
from dbt.contracts.graph.manifest import Manifest
from dbt.parser import manifest as parser
from dbt.parser.manifest import ManifestLoader
from dbt.task.base import ConfiguredTask
from dbt.task.runnable import GraphRunnableTask
from dbt_common.clients.system import make_directory

from dbt_retry_plus.dbtcore.fast.documents import ResourceDocuments, by_detour
from dbt_retry_plus.dbtcore.fast.json_text import JsonText
from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced
from dbt_retry_plus.dbtcore.fast.stored_manifest import Entries

_SERIALIZING = frozenset({"__pre_serialize__", "__post_serialize__"})
_NODES, _RUN = "nodes", "execute_with_hooks"
_CONVERT = "_map_nodes_to_map_resources"
_DECODE = "extended_mashumuro_decoder"
_BUFFER = 1_000_000  # bytes; a text of a node is short


@dataclasses.dataclass(frozen=True)
class _Text:
    """A node as it was, and its text, which begins with its name."""

    node: Any
    values: tuple[Any, ...]
    text: bytes

    def is_of(self, node: Any) -> bool:
        """Whether no attribute of the node has been set since."""
        values = vars(node).values()
        return node is self.node and len(values) == len(self.values) and all(map(is_, values, self.values))


class _Unconverted(dict[str, Any]):
    """Nodes of a manifest that are on their way to the file."""


class _ManifestTexts:
    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], _Text] = {}
        self._documents = ResourceDocuments()
        self._json = JsonText()
        self._stored: tuple[Manifest, ...] = ()
        self._as_stored = False
        self._doubtful: AbstractSet[str] | None = None
        self._running: frozenset[str] = frozenset()

    def decoded(self, nodes: object) -> None:
        """Note the nodes of the partial-parse file."""
        self._doubtful = nodes.doubtful if isinstance(nodes, Entries) else None

    def loaded(self, manifest: Manifest) -> None:
        """Note that a manifest is the one of the partial-parse file, with nothing parsed anew."""
        self._stored = (*self._stored, manifest)

    def writing(self, manifest: Manifest) -> None:
        """Note which manifest is about to be written."""
        self._as_stored = any(manifest is stored for stored in self._stored)

    def running(self, nodes: frozenset[str]) -> None:
        """Note the nodes that are run: what they hold may change without any attribute being set."""
        self._running |= nodes

    def write(self, writable: Any, path: str) -> None:
        """Do what dbt's `Writable.write` does."""
        sections = {
            field.name: value
            for field in dataclasses.fields(writable)
            if isinstance(value := getattr(writable, field.name), _Unconverted)
        }
        outline = dataclasses.replace(writable, **{name: {} for name in sections}).to_dict(
            omit_none=False, context={"artifact": True}
        )
        parts = list(self._parts(outline, sections))  # the file that was there stays, should one of them fail
        make_directory(str(Path(path).parent))
        with Path(path).open("wb", buffering=_BUFFER) as file:
            file.writelines(parts)

    def _parts(self, outline: Mapping[str, Any], sections: Mapping[str, Mapping[str, Any]]) -> Iterator[bytes]:
        """The file, in parts that are kept anyway: all of it in one piece would stand in memory twice."""
        for opening, (key, value) in zip(_openings(), outline.items(), strict=False):
            yield b"%b%b: " % (opening, self._json.any(key))
            if key in sections:
                yield from self._section(key, sections[key])
            else:
                yield self._json.any(value)
        yield b"}"

    def _section(self, name: str, nodes: Mapping[str, Any]) -> Iterator[bytes]:
        if not nodes:
            yield b"{"
        for opening, (unique_id, node) in zip(_openings(), nodes.items(), strict=False):
            yield opening
            yield self._member(name, unique_id, node)
        yield b"}"

    def _member(self, section: str, unique_id: str, node: Any) -> bytes:
        kept = self._kept.get((section, unique_id))
        runs = unique_id in self._running
        if kept is not None and kept.is_of(node) and not runs:
            return kept.text
        untouched = self._as_stored and kept is None and not runs and not getattr(node, "compiled", False)
        document = self._documents.direct(node) if untouched else by_detour(node)
        finite = untouched and section == _NODES and self._doubtful is not None and unique_id not in self._doubtful
        encode = self._json.finite if finite else self._json.any
        text = encode({unique_id: document})[1:-1]
        self._kept[section, unique_id] = _Text(node, tuple(vars(node).values()), text)
        return text


def _openings() -> Iterator[bytes]:
    """What stands before the members of an object."""
    return chain((b"{",), repeat(b", "))


@contextmanager
def _written_once() -> Iterator[None]:
    texts = _ManifestTexts()
    load, write, run_nodes = vars(ManifestLoader)["load"], vars(Manifest)["write"], vars(GraphRunnableTask)[_RUN]
    decode = vars(parser)[_DECODE]

    def decode_stored(content: bytes) -> Any:
        document = decode(content)
        texts.decoded(document.get(_NODES) if isinstance(document, dict) else None)
        return document

    def load_manifest(loader: ManifestLoader) -> Manifest:
        manifest = load(loader)
        if loader.skip_parsing and not manifest.external_node_unique_ids:
            texts.loaded(manifest)
        return manifest

    def write_artifact(writable: WritableManifest, path: str) -> None:
        texts.write(writable, path)

    def write_manifest(manifest: Manifest, path: str) -> None:
        texts.writing(manifest)
        with _unconverted(), replaced(WritableManifest, "write", write_artifact):
            write(manifest, path)

    def running(task: ConfiguredTask, selected_uids: frozenset[str]) -> Any:
        texts.running(frozenset(selected_uids))
        return run_nodes(task, selected_uids)

    with (
        replaced(parser, _DECODE, decode_stored),
        replaced(ManifestLoader, "load", load_manifest),
        replaced(Manifest, "write", write_manifest),
        replaced(GraphRunnableTask, _RUN, running),
    ):
        yield


@contextmanager
def _unconverted() -> Iterator[None]:
    """Let dbt hand the nodes themselves to the artifact."""
    if hasattr(manifest_module, "ResourceMapping"):  # dbt-core 1.12, which converts them one by one
        with replaced(manifest_module, "ResourceMapping", _Unconverted):
            yield
    else:
        with replaced(Manifest, _CONVERT, lambda _, nodes: _Unconverted(nodes)):
            yield


def _as_every_artifact() -> bool:
    """Whether the manifest is written as other artifacts are, and its document holds what its sections do."""
    return (
        os.name == "posix"
        and WritableManifest.write is Writable.write
        and not _SERIALIZING & vars(WritableManifest).keys()
    )


_IN_MANIFEST = "dbt.contracts.graph.manifest:Manifest"

MANIFEST_ONCE = Piece(
    "manifest_once",
    _written_once,
    {
        f"{_IN_MANIFEST}.write": frozenset({"158260c1", "a130153c"}),
        f"{_IN_MANIFEST}.writable_manifest": frozenset({"421f74db", "51d85fa5", "f1ec8655"}),
        "dbt.artifacts.schemas.base:Writable.write": frozenset({"5913d147"}),
        f"dbt.parser.manifest:{_DECODE}": frozenset({"7911735d"}),
        "dbt.contracts.graph.nodes:BaseNode.to_resource": frozenset({"c59776e1"}),
        f"dbt.task.runnable:GraphRunnableTask.{_RUN}": frozenset({"158453f3", "9677dfaa", "3db77b43"}),
    },
    fits=_as_every_artifact,
)
