"""What a `dbt build` of a large project leaves when some leaves fail, without the hours that building it takes.

dbt parses the project and builds those leaves alone. All other relations are views of three rows, and the journal and the
results tell of them as those of a build do (but that compiled SQL is its source): what a retry reads is of the size and
shape that it would be.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from layered_project import WAREHOUSE

from dbt_retry_plus.ledger.journal import (
    END,
    FINISH,
    INVOCATION,
    JOURNAL,
    SELECTION,
    START,
    JournalWriter,
    encode,
    read_entries,
)

_OF_RESULTS_ALONE = frozenset({"unique_id", "compiled", "compiled_code", "batch_results"})
_PASSES = frozenset({"test", "unit_test"})
_MOMENT = "2026-01-01T00:00:00.000000Z"


def build_some_of(project: Path, leaves: Sequence[str], dbt: Path, environment: Mapping[str, str]) -> int:
    """Bring a project to the state after a build in which leaves failed; return dbt's exit code.

    Args:
        project: The project, whose warehouse lacks what the leaves read.
        leaves: Names of the models.
        dbt: The script.
        environment: What it runs with.
    """
    subprocess.run([dbt, "--quiet", "parse"], cwd=project, env=environment, check=True)
    manifest = json.loads((project / "target" / "manifest.json").read_bytes())
    nodes = {**manifest["nodes"], **manifest["unit_tests"]}
    related = [node for node in manifest["nodes"].values() if node.get("relation_name")]
    _make_relations(project, [node for node in related if node["name"] not in leaves])
    done = subprocess.run([dbt, "--quiet", "build", "--select", *leaves], cwd=project, env=environment, check=False)
    results = project / "target" / "run_results.json"
    document = json.loads(results.read_bytes())
    ran = {row["unique_id"] for row in document["results"]}
    others = [node for unique_id, node in nodes.items() if unique_id not in ran]
    document["args"]["select"] = []
    document["results"] += [_row(node) for node in others if not _is_ephemeral(node)]
    results.write_text(json.dumps(document))
    record = next((project / "target" / "retry_plus" / "invocations").iterdir())
    (record / results.name).write_text(json.dumps(document))
    _rewrite(record / JOURNAL, nodes, others)
    return done.returncode


def _make_relations(project: Path, nodes: Sequence[Mapping[str, Any]]) -> None:
    import duckdb

    rows = "(values (1, 10), (2, 20), (3, 30)) as t(id, value)"
    with duckdb.connect(str(project / WAREHOUSE)) as connection:
        for schema in {node["schema"] for node in nodes}:
            connection.execute(f'create schema if not exists "{schema}"')
        for node in nodes:
            if node["resource_type"] in ("model", "seed", "snapshot"):
                connection.execute(f"create view {node['relation_name']} as select * from {rows}")


def _rewrite(path: Path, nodes: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> None:
    entries = list(read_entries(path))
    path.unlink()
    journal = JournalWriter(path)
    for entry in entries:
        if entry["event"] == END:
            for line in _lines(others):
                journal.append(line)
        journal.append(encode(_of_all(entry, nodes)))
    journal.close()


def _of_all(entry: Mapping[str, Any], nodes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The entry as the journal of a build of all nodes has it."""
    changed = {name: value for name, value in entry.items() if name != "crc32"}
    if entry["event"] == SELECTION:
        selected = [unique_id for unique_id in nodes if not unique_id.startswith("unit_test.")]
        expected = sum(1 for unique_id in selected if not _is_ephemeral(nodes[unique_id]))
        changed |= {"nodes": selected, "expected": expected}
    if entry["event"] in (INVOCATION, SELECTION):
        changed["arguments"] = {**entry["arguments"], "select": []}
    return changed


def _lines(nodes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for node in nodes:
        row = {name: value for name, value in _row(node).items() if name not in _OF_RESULTS_ALONE}
        row["ephemeral"] = _is_ephemeral(node)
        common = {"node": node["unique_id"], "at": _MOMENT}
        if not row["ephemeral"]:
            yield encode({"event": START, **common})
        entry = {"event": FINISH, **common, "row": row}
        kept = node.get("checksum")  # of a unit test it is no mapping
        yield encode({**entry, "checksum": kept["checksum"]} if isinstance(kept, dict) else entry)


def _row(node: Mapping[str, Any]) -> dict[str, Any]:
    timing = [{"name": name, "started_at": _MOMENT, "completed_at": _MOMENT} for name in ("compile", "execute")]
    passes = node["resource_type"] in _PASSES
    return {
        "status": "pass" if passes else "success",
        "timing": timing,
        "thread_id": "Thread-1",
        "execution_time": 0.1,
        "adapter_response": {"_message": "OK"},
        "message": None if passes else "OK",
        "failures": 0 if passes else None,
        "unique_id": node["unique_id"],
        "compiled": True,
        "compiled_code": node.get("raw_code") or "",
        "relation_name": node.get("relation_name"),
        "batch_results": None,
    }


def _is_ephemeral(node: Mapping[str, Any]) -> bool:
    return bool(node["config"].get("materialized") == "ephemeral")
