"""What a dbt invocation left behind, freed of what differs between any two invocations (times, ids, thread names)."""

from __future__ import annotations

import json
import pickle
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgpack

from tests.support.invocations import Invocation
from tests.support.warehouses import Relation, Warehouse

VOLATILE_TEXT = (
    (re.compile(r"\bdbt-retry-plus\b|\bretry-plus\b"), "retry"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?"), "<time>"),
    (re.compile(r"\d\d:\d\d:\d\d(\.\d+)?"), "<time>"),
    (re.compile(r"\d+ hours? \d+ minutes? and [\d.]+ seconds?"), "<duration>"),
    (re.compile(r"\d+\.\d+ ?(s\b|seconds?)"), "<duration>"),
    (re.compile(r"(__dbt_(?:tmp|backup))_?\d+"), r"\1"),
    (re.compile(r"\bThread-\d+ \(worker\)"), "<thread>"),
)

VOLATILE_KEYS = frozenset(
    {
        "generated_at",
        "invocation_id",
        "invocation_started_at",
        "invocation_command",
        "run_started_at",
        "created_at",
        "started_at",
        "completed_at",
        "execution_time",
        "elapsed_time",
        "modification_time",
        "thread_id",
        "timing",
        "user_id",
    }
)

CONNECTION_EVENTS = frozenset(
    {
        "NewConnection",
        "NewConnectionOpening",
        "ConnectionUsed",
        "ConnectionReused",
        "ConnectionClosed",
        "ConnectionClosedInCleanup",
        "ConnectionLeftOpen",
        "ConnectionLeftOpenInCleanup",
    }
)
"""Not compared: which of them a thread fires depends on which thread took which node."""

OWN_FOLDER = "retry_plus"
"""Our ledger, beside dbt's artifacts: the one thing in the target folder that upstream does not write."""

CLOSING_LINE = re.compile(r"\bResumed from [0-9a-f]{8} \(`dbt ")
"""Our one event more than upstream's; test_closing_line.py shows it."""

ABSENT = "<absent>"


def steady_text(text: str) -> str:
    for pattern, replacement in VOLATILE_TEXT:
        text = pattern.sub(replacement, text)
    return text.rstrip()


def steady_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: steady_json(item) for key, item in value.items() if key not in VOLATILE_KEYS}
    if isinstance(value, list):
        return [steady_json(item) for item in value]
    return steady_text(value) if isinstance(value, str) else value


@dataclass(frozen=True)
class Observation:
    invocation: Invocation
    files: Mapping[str, Any]
    """Path below the target folder → content: parsed JSON, text, or None where only presence can be compared."""
    relations: Mapping[str, Relation]

    @property
    def run_results(self) -> Mapping[str, Any] | None:
        return self.files.get("run_results.json")

    @cached_property
    def rows(self) -> Mapping[str, Any]:
        return {row["unique_id"]: row for row in (self.run_results or {}).get("results", ())}

    @cached_property
    def statuses(self) -> Mapping[str, str]:
        """Short name → status of what this invocation executed or skipped, for tests to state their expectation."""
        return {short_name(node): status for node, (status, _) in self.invocation.outcomes_by_node.items()}

    @cached_property
    def console(self) -> Counter[str]:
        lines = map(console_line, self.invocation.stdout.splitlines())
        return Counter(
            line
            for line in lines
            if line and line.removeprefix("debug ") not in CONNECTION_EVENTS and not CLOSING_LINE.search(line)
        )

    @cached_property
    def upstream_events(self) -> Sequence[Any]:
        return [event for event in self.invocation.events if not CLOSING_LINE.search(event.message)]

    @cached_property
    def debug_events(self) -> Counter[str]:
        return Counter(event.name for event in self.upstream_events if event.name not in CONNECTION_EVENTS)

    @cached_property
    def shown_events(self) -> Counter[str]:
        return Counter(
            f"{event.level} {event.name}: {steady_text(event.message)}"
            for event in self.upstream_events
            if event.level != "debug"
        )

    @cached_property
    def order_violations(self) -> frozenset[str]:
        """Nodes that started before a selected parent, or before their unit test (in `build`), had finished."""
        started: dict[str, int] = {}
        finished: dict[str, int] = {}
        for position, event in enumerate(self.invocation.events):
            if event.name == "NodeStart" and event.unique_id:
                started.setdefault(event.unique_id, position)
            elif event.name == "NodeFinished" and event.unique_id:
                finished[event.unique_id] = position
        return frozenset(
            f"{short_name(node)} before {short_name(first)}"
            for node, first_ones in self._what_must_come_first().items()
            for first in first_ones
            if node in started and first in finished and started[node] < finished[first]
        )

    def _what_must_come_first(self) -> Mapping[str, frozenset[str]]:
        manifest = self.files.get("manifest.json")
        if not manifest:
            return {}
        unit_tests = {
            node: parents for node, parents in manifest["parent_map"].items() if node.startswith("unit_test.")
        }
        first_ones: dict[str, set[str]] = {}
        for node, parents in manifest["parent_map"].items():
            if node not in unit_tests:
                first_ones.setdefault(node, set()).update(parents)
        for unit_test, tested in unit_tests.items():
            for model in tested[:1]:
                first_ones.setdefault(model, set()).add(unit_test)
        return {node: frozenset(first) for node, first in first_ones.items()}


def short_name(unique_id: str) -> str:
    """`model.shop.orders` → `orders`; `test.shop.not_null_orders_id.0a1b2c` → `not_null_orders_id`."""
    parts = unique_id.split(".")
    return parts[-1] if parts[0] in ("unit_test", "operation", "macro") else parts[2]


def console_line(line: str) -> str:
    if line.startswith("{") and '"info"' in line:
        info = json.loads(line)["info"]
        if info["level"] == "debug":
            return f"debug {info['name']}"
        return steady_text(f"{info['level']} {info['name']}: {info['msg']}")
    return steady_text(line)


def observe(invocation: Invocation, target: Path, warehouse: Warehouse) -> Observation:
    return Observation(invocation, dict(read_files(target)), warehouse.relations())


def graph_in(file: Path) -> Mapping[str, Any]:
    """What is in `graph.gpickle`."""
    graph = pickle.loads(file.read_bytes())
    edges = {name: {child: dict(said) for child, said in children.items()} for name, children in graph.adj.items()}
    return {"nodes": steady_json(dict(graph.nodes)), "edges": edges}


def stored_manifest_in(file: Path) -> Any:
    """What is in `partial_parse.msgpack`."""
    return steady_json(msgpack.unpackb(file.read_bytes(), ext_hook=lambda *_: "a time", raw=False))


def read_files(target: Path) -> Iterator[tuple[str, Any]]:
    for file in sorted(target.rglob("*")):
        path = file.relative_to(target)
        if not file.is_file() or path.parts[0] == OWN_FOLDER:
            continue
        if file.suffix == ".json":
            yield path.as_posix(), steady_json(json.loads(file.read_text()))
        elif file.suffix in (".sql", ".csv", ".yml"):
            yield path.as_posix(), steady_text(file.read_text())
        elif file.name == "graph.gpickle":
            yield path.as_posix(), graph_in(file)
        elif file.name == "partial_parse.msgpack":
            yield path.as_posix(), stored_manifest_in(file)
        else:
            yield path.as_posix(), None
