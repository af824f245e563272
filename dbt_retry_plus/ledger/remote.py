"""The ledger of one project and environment in a store: where each thing is.

<URL>/<project>/<environment>/latest.json
<URL>/<project>/<environment>/invocations/<when it began>-<id>/journal/000001.gz, 000002.gz, …
<URL>/<project>/<environment>/invocations/<when it began>-<id>/manifest.json.gz, run_results.json.gz, …
<URL>/<project>/<environment>/claims/<id of a chain>/000001.json
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dbt_retry_plus.ledger import segments
from dbt_retry_plus.ledger.journal import decoded
from dbt_retry_plus.ledger.reports import REPORT
from dbt_retry_plus.ledger.run_results import MANIFEST, RUN_RESULTS
from dbt_retry_plus.ledger.summary import SUMMARY
from dbt_retry_plus.types import Finding, Store, StoredObject

INVOCATIONS, CLAIMS, LATEST = "invocations", "claims", "latest.json"
ARTIFACTS = (MANIFEST, RUN_RESULTS, REPORT, SUMMARY)
"""What is shipped besides the journal, before what the journal says of it."""

_PACKED = ".gz"
_RETRY_OF = "retry_of/"
_NAME = re.compile(r"(?P<began>\d{20})-(?P<id>[0-9a-zA-Z-]+)")
_PLACE = re.compile(rf"(?P<base>[^/]+/[^/]+)/{INVOCATIONS}/(?P<name>[^/]+)/(?P<below>.+)")


@dataclass(frozen=True)
class RemoteInvocation:
    """One invocation in a store.

    Attributes:
        base: The project and the environment that it is of, as they stand in names.
        name: When it began, and its id: names sort as times do.
        objects: The sizes of its objects by their names.
    """

    base: str
    name: str
    objects: Mapping[str, int]

    @property
    def invocation_id(self) -> str:
        """The id that dbt gave it."""
        found = _NAME.fullmatch(self.name)
        return found["id"] if found else ""

    @property
    def place(self) -> str:
        """What the names of its objects begin with."""
        return f"{self.base}/{INVOCATIONS}/{self.name}/"

    @property
    def retry_of(self) -> str | None:
        """The invocation that it retried, as far as the listing tells."""
        names = (name.removeprefix(_RETRY_OF) for name in self.objects if name.startswith(_RETRY_OF))
        return next(names, None)

    @property
    def size(self) -> int:
        """Bytes in the store."""
        return sum(self.objects.values())


class RemoteLedger:
    """The ledger of one project and environment in a store, which is opened when it is first used."""

    def __init__(
        self,
        open_store: Callable[[], Store],
        url: str,
        project: str,
        environment: str,
        findings: Iterable[Finding] = (),
    ) -> None:
        """Name the place.

        Args:
            open_store: Opens the store.
            url: Its URL, as it may be shown.
            project: Name of the project.
            environment: What tells its environments apart.
            findings: What is wrong with plugins that were asked for a store.
        """
        self.findings = tuple(findings)
        self._open = open_store
        self.url = url
        self.environment = environment
        self.base = f"{name_in_store(project)}/{name_in_store(environment)}"

    @cached_property
    def store(self) -> Store:
        """The store.

        Raises:
            StoreUnreachableError: It cannot be opened.
        """
        return self._open()

    def invocations(self) -> list[RemoteInvocation]:
        """Return the invocations in the store, oldest first; also the newest one where the listing lags behind.

        Raises:
            StoreUnreachableError: The store cannot be reached.
        """
        found = grouped(self.store.list(f"{self.base}/{INVOCATIONS}/"))
        latest = self._latest()
        if latest and all(invocation.name != latest for invocation in found):
            found.append(RemoteInvocation(self.base, latest, {}))
        return sorted(found, key=lambda invocation: invocation.name)

    def note_latest(self, name: str) -> None:
        """Say which invocation began last, for readers to whom a lagging listing does not show it.

        Raises:
            StoreUnreachableError: The store cannot be reached.
        """
        self.store.write(f"{self.base}/{LATEST}", json.dumps({"name": name}).encode())

    def environments(self) -> list[str]:
        """Return the environments of the project that the store knows, as they stand in names.

        Raises:
            StoreUnreachableError: The store cannot be reached.
        """
        project = self.base.partition("/")[0]
        found = grouped(self.store.list(f"{project}/"))
        return sorted({invocation.base.partition("/")[2] for invocation in found})

    def _latest(self) -> str | None:
        try:
            name = json.loads(self.store.read(f"{self.base}/{LATEST}"))["name"]
        except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return name if isinstance(name, str) and _NAME.fullmatch(name) else None


def grouped(objects: Iterable[StoredObject]) -> list[RemoteInvocation]:
    """Make invocations of the objects in a store; what is no object of one is passed over."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for each in objects:
        place = _PLACE.fullmatch(each.name)
        if place and _NAME.fullmatch(place["name"]):
            found.setdefault((place["base"], place["name"]), {})[place["below"]] = each.size
    return [RemoteInvocation(base, name, sizes) for (base, name), sizes in found.items()]


def name_of(header: Mapping[str, Any]) -> str:
    """Return the name of an invocation in stores, from the first line of its journal."""
    began = re.sub(r"\D", "", str(header.get("started_at") or ""))[:20]
    return f"{began:0<20}-{header.get('invocation_id')}"


def retry_name(retry_of: str) -> str:
    """Return the name of the object that says which invocation was retried; it says so in listings."""
    return _RETRY_OF + retry_of


def artifact_name(artifact: str) -> str:
    """Return the name of an artifact's object."""
    return artifact + _PACKED


def read_object(store: Store, name: str) -> bytes | None:
    """Return what an object holds; None where there is none.

    Raises:
        StoreUnreachableError: The store cannot be reached.
    """
    try:
        return store.read(name)
    except FileNotFoundError:
        return None


def read_header(store: Store, invocation: RemoteInvocation) -> Mapping[str, Any] | None:
    """Return the first line of an invocation's journal; None where it is torn or not that invocation's.

    Raises:
        StoreUnreachableError: The store cannot be reached.
        RetryRefusedError: A newer version of this package wrote it.
    """
    segment = segments.unpacked(read_object(store, invocation.place + segments.name_of(1)), 1, 0)
    lines = segment.lines.splitlines(keepends=True) if segment else []
    header = next(decoded(lines, Path(invocation.place)), None)
    return header if header and header.get("invocation_id") == invocation.invocation_id else None


def read_journal(store: Store, invocation: RemoteInvocation, *, manifest: bool = True) -> tuple[bytes, int]:
    """Return an invocation's journal as far as its segments go, and the number of these.

    Args:
        store: Where it is.
        invocation: The invocation.
        manifest: Whether its manifest is there; what ran from one that is not is left out.

    Raises:
        StoreUnreachableError: The store cannot be reached.
    """
    whole = segments.name_of(segments.WHOLE)
    if whole in invocation.objects:
        segment = segments.unpacked(read_object(store, invocation.place + whole), segments.WHOLE, 0)
        if segment is not None and (manifest or not segment.manifest):
            return segment.lines, segments.WHOLE
    return segments.joined(lambda name: read_object(store, invocation.place + name), manifest=manifest)


def read_artifact(store: Store, invocation: RemoteInvocation, artifact: str) -> bytes | None:
    """Return an artifact of an invocation; None where there is none, or it is torn.

    Raises:
        StoreUnreachableError: The store cannot be reached.
    """
    found = read_object(store, invocation.place + artifact_name(artifact))
    return segments.decompressed(found) if found is not None else None


def name_in_store(text: str) -> str:
    """Return a name of any kind as one part of the names of objects."""
    quoted = quote(text, safe="")
    return quoted if quoted.strip(".") else quoted.replace(".", "%2E") or "%"
