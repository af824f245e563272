"""Print how long `dbt-retry-plus history` takes on a ledger of many invocations.

    python tests/benchmarks/history_cost.py [--invocations 20] [--nodes 5000] [--runs 9]

Run it with an interpreter that has dbt-retry-plus installed. The ledger is written with the package's own journal:
half of the invocations ended, half were killed after most of their nodes. Medians over fresh processes, the first
of which has to read the journals of the killed ones and is shown apart.

It measures and asserts nothing.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from dbt_retry_plus.ledger.journal import END, FINISH, INVOCATION, SCHEMA, SELECTION, START, encode
from dbt_retry_plus.ledger.local import LedgerEntry, LocalLedger
from dbt_retry_plus.ledger.summary import keep_summary, make_summary

SCRIPT = Path(sys.executable).with_name("dbt-retry-plus")


def main() -> None:
    parser = argparse.ArgumentParser(description="Print how long the history takes.")
    parser.add_argument("--invocations", type=int, default=20)
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=9)
    arguments = parser.parse_args()
    found = measure(arguments.nodes, arguments.invocations, arguments.runs)
    print(f"history of {found.invocations} invocations of {found.nodes} nodes, half of them killed")
    print(f"  the first time  {found.first:.3f} s")
    print(f"  afterwards      {found.afterwards:.3f} s  (median of {arguments.runs})")


class History(NamedTuple):
    """Seconds that `dbt-retry-plus history` took, the first time and afterwards, with so much on record."""

    nodes: int
    invocations: int
    first: float
    afterwards: float


def measure(nodes: int, invocations: int = 20, runs: int = 9) -> History:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "dbt_project.yml").write_text("name: many\n")
        ledger = LocalLedger(project / "target" / "retry_plus")
        for number in range(invocations):
            write_invocation(ledger, number, nodes, killed=number % 2 == 1)
        first, *others = [seconds_of_history(project) for _ in range(runs + 1)]
    return History(nodes, invocations, first, statistics.median(others))


def write_invocation(ledger: LocalLedger, number: int, nodes: int, *, killed: bool) -> None:
    invocation_id = f"{number:08d}-0000-0000-0000-000000000000"
    header = {
        "event": INVOCATION,
        "schema": SCHEMA,
        "invocation_id": invocation_id,
        "command": "build",
        "started_at": f"2026-01-01T{number // 60:02d}:{number % 60:02d}:00.000000Z",
        "project": "many",
        "arguments": {"which": "build"},
    }
    opened = ledger.open(invocation_id, encode(header))
    names = [f"model.many.model_with_a_name_of_usual_length_{node}" for node in range(nodes)]
    opened.journal.append(encode({"event": SELECTION, "nodes": names, "expected": nodes}))
    for name in names[: nodes * 9 // 10] if killed else names:
        opened.journal.append(encode({"event": START, "node": name, "at": header["started_at"]}))
        row = {"status": "success", "execution_time": 0.1, "message": "OK", "thread_id": "Thread-1", "timing": []}
        opened.journal.append(encode({"event": FINISH, "node": name, "at": header["started_at"], "row": row}))
    if not killed:
        opened.journal.append(encode({"event": END, "complete": True, "success": True, "elapsed": 60.0}))
        entry = LedgerEntry(opened.folder, header)
        keep_summary(opened.folder, make_summary(entry, {"success": nodes}, "success", 60.0, "build"))
    opened.close()


def seconds_of_history(project: Path) -> float:
    before = time.perf_counter()
    subprocess.run([SCRIPT, "history"], cwd=project, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - before


if __name__ == "__main__":
    main()
