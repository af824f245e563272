"""Measure all that docs/performance.md tells of, on one minor of dbt-core, and write that page.

    python tests/benchmarks/performance.py --keep FOLDER [--repeat 3] [--only retries history recording start]

Run it with an interpreter that has dbt-retry-plus, dbt-core and dbt-duckdb installed, on a machine that does nothing else;
it takes an hour or two. FOLDER keeps built projects and all measurements: run it once for each minor, with the same
FOLDER, and take another one when the code has changed. The page is made of everything in it. With --small, and
a --page of its own, projects are so small that it takes a minute, and the figures tell nothing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import history_cost
import recording_cost
import retry_cost
import startup_cost
from performance_page import write_page
from retry_cost import Case

PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
CASES = (
    *(Case(models, "one") for models in (10, 100, 1000)),
    *(Case(models, "one", made=True) for models in (5000, 10_000)),
    Case(1000, "some"),
    Case(5000, "some", made=True),
    Case(5000, "one", dense=True, made=True),
)
SMALL_CASES = (Case(10, "one"), Case(20, "some", made=True))
PARTS = ("retries", "history", "recording", "start")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure, and write docs/performance.md.")
    parser.add_argument("--keep", type=Path, required=True, help="where built projects and measurements are kept")
    parser.add_argument("--repeat", type=int, default=3, help="how often each command is run")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS)
    parser.add_argument("--small", action="store_true", help="see that it works")
    parser.add_argument("--page", type=Path, help="docs/performance.md, unless --small")
    arguments = parser.parse_args()
    if arguments.small and not arguments.page:
        parser.error("--small needs --page: its figures are none for docs/performance.md")
    keep: Path = arguments.keep.resolve()
    keep.mkdir(parents=True, exist_ok=True)
    if "retries" in arguments.only:
        for case in SMALL_CASES if arguments.small else CASES:
            retry_cost.measure(keep, case, arguments.repeat)
    for part in arguments.only:
        if part in OTHERS:
            found = OTHERS[part](arguments.small)
            write(keep, part, found)
    write_page(arguments.page or PAGE, keep)


def history(small: bool) -> Sequence[Any]:
    return [history_cost.measure(nodes) for nodes in ((10,) if small else (100, 1000, 5000, 10_000))]


def recording(small: bool) -> Sequence[Any]:
    return [recording_cost.measure(models, runs=1 if small else 5) for models in ((5,) if small else (100, 300, 1000))]


def start(small: bool) -> Sequence[Any]:
    return list(startup_cost.measure(*((3, 1) if small else (200, 20)), counting=not small))


OTHERS = {"history": history, "recording": recording, "start": start}


def write(keep: Path, part: str, found: Sequence[Any]) -> None:
    document = {"machine": retry_cost.machine(), part: [as_document(one) for one in found]}
    (keep / f"v{retry_cost.minor().replace('.', '')}-{part}.json").write_text(json.dumps(document, indent=1))
    print(json.dumps(document[part]), flush=True)


def as_document(found: Any) -> Mapping[str, Any]:
    """A named tuple of named tuples as JSON has it."""
    values = found._asdict()
    return {name: as_document(value) if hasattr(value, "_asdict") else value for name, value in values.items()}


if __name__ == "__main__":
    main()
