"""Ledgers and artifacts for tests, with the lines that recording writes and no dbt."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dbt_retry_plus.ledger import journal
from dbt_retry_plus.ledger.find import Records, read_records
from dbt_retry_plus.ledger.local import LedgerEntry, LocalLedger, OpenInvocation
from dbt_retry_plus.types import Chain, GraphNode, Invocation, Outcome

PROJECT = "shop"
RUN_RESULTS_SCHEMA = "https://schemas.getdbt.com/dbt/run-results/v6.json"


def header(invocation_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "event": journal.INVOCATION,
        "schema": journal.SCHEMA,
        "invocation_id": invocation_id,
        "command": "build",
        "started_at": "2026-01-02T03:04:05.000000Z",
        "retry_of": None,
        "project": PROJECT,
        "profile": "shop",
        "target": "dev",
        "dbt_version": "1.11.16",
        "pid": 42,
        "host": "here",
        "arguments": {"which": "build", "threads": 4},
        **changes,
    }


def start(node: str) -> dict[str, Any]:
    return {"event": journal.START, "node": node}


def finish(node: str, status: str = "success", **row: Any) -> dict[str, Any]:
    return {"event": journal.FINISH, "node": node, "row": {"status": status, "execution_time": 1.0, **row}}


def selection(*nodes: str, **changes: Any) -> dict[str, Any]:
    return {"event": journal.SELECTION, "nodes": list(nodes), "expected": len(nodes), **changes}


def end(*, complete: bool = True, success: bool | None = True, **changes: Any) -> dict[str, Any]:
    return {"event": journal.END, "complete": complete, "success": success, "elapsed": 2.5, **changes}


def ran(statuses: Mapping[str, str]) -> list[dict[str, Any]]:
    """The lines of an invocation that came to its end."""
    nodes = [line for node, status in statuses.items() for line in (start(node), finish(node, status))]
    return [selection(*statuses), *nodes, end(success="error" not in statuses.values())]


def begin(ledger: LocalLedger, invocation_id: str, *lines: Mapping[str, Any], **changes: Any) -> OpenInvocation:
    """Begin a record and leave it open, as a process that is running does."""
    opened = ledger.open(invocation_id, journal.encode(header(invocation_id, **changes)))
    for line in lines:
        opened.journal.append(journal.encode(line))
    return opened


def record(ledger: LocalLedger, invocation_id: str, *lines: Mapping[str, Any], **changes: Any) -> LedgerEntry:
    """Put an invocation on a ledger."""
    opened = begin(ledger, invocation_id, *lines, **changes)
    opened.close()
    return LedgerEntry(opened.folder, header(invocation_id, **changes))


def run_results(invocation_id: str | None, statuses: Mapping[str, str], **changes: Any) -> dict[str, Any]:
    metadata = {
        "dbt_schema_version": RUN_RESULTS_SCHEMA,
        "dbt_version": "1.11.16",
        "generated_at": "2026-01-02T03:04:06.000000Z",
        "invocation_id": invocation_id,
    }
    rows = [{"unique_id": node, "status": status, "execution_time": 1.0} for node, status in statuses.items()]
    return {"metadata": metadata, "args": {"which": "build"}, "results": rows, **changes}


def write_run_results(folder: Path, invocation_id: str | None, statuses: Mapping[str, str], **changes: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "run_results.json"
    path.write_text(json.dumps(run_results(invocation_id, statuses, **changes)))
    return path


def at(minute: int) -> str:
    return f"2026-01-02T03:{minute:02}:00.000000Z"


def changed_at(path: Path, seconds: float) -> None:
    """Set when a file was changed last."""
    os.utime(path, (seconds, seconds))


def invocation(invocation_id: str = "1", statuses: Mapping[str, str] | None = None, **changes: Any) -> Invocation:
    outcomes = {node: Outcome(node, status) for node, status in (statuses or {}).items()}
    values: dict[str, Any] = {"command": "build", "arguments": {}, "outcomes": outcomes, "source": "here", **changes}
    return Invocation(invocation_id, **values)


def chain(*links: Invocation) -> Chain:
    """A chain that knows no more than its links say."""
    outcomes: dict[str, Outcome] = {}
    for link in links:
        outcomes.update(link.outcomes)
    return Chain(links, outcomes)


def graph(*nodes: str, ephemeral: tuple[str, ...] = (), parents: Mapping[str, tuple[str, ...]] | None = None) -> Any:
    """Today's project: resource types are what ids begin with."""
    return {
        node: GraphNode(node, node.split(".")[0], (parents or {}).get(node, ()), node in ephemeral)
        for node in (*nodes, *ephemeral)
    }


def records_of(ledger: LocalLedger) -> Records:
    return read_records(ledger, ledger.folder.parent, PROJECT)


def build(ledger: LocalLedger, invocation_id: str, minute: int, statuses: dict[str, str], **changes: Any) -> None:
    record(ledger, invocation_id, *ran(statuses), started_at=at(minute), **changes)


def results_of(ledger: LocalLedger, invocation_id: str, minute: int, statuses: dict[str, str], **changes: Any) -> None:
    document = run_results(invocation_id, statuses)
    document["metadata"]["invocation_started_at"] = at(minute)
    write_run_results(ledger.folder.parent, invocation_id, statuses, metadata=document["metadata"], **changes)
