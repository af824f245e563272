"""Faults of DuckDB, and of what its models read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tests.faults.duckdb_project import NODES, SQL_NODES
from tests.faults.fault import Fault
from tests.support.dying import holding

if TYPE_CHECKING:
    from tests.faults.duckdb_stage import DuckdbScene

_HOLDS = "import duckdb; held = duckdb.connect(sys.argv[1])"


def other_locked(scene: DuckdbScene) -> None:
    """Another process has a database open that the node attaches."""
    with holding(_HOLDS, scene.place / f"{scene.case.node}.duckdb"):
        scene.ready()
        scene.wait_for_attempts(scene.case.times)


def warehouse_locked(scene: DuckdbScene) -> None:
    """Another process has the warehouse open, and for a while dbt comes to no node."""
    with holding(_HOLDS, scene.place / "warehouse.duckdb"):
        scene.hold_up()


def conflicting(scene: DuckdbScene) -> None:
    """All nodes write the same row; those that run at once get in each other's way."""
    scene.execute("update raw.switch set conflicting = true")


def file_late(scene: DuckdbScene) -> None:
    """A file that a model reads is there when it has been missed."""
    path = _file_gone(scene)
    scene.ready()
    scene.wait_for_attempts(scene.case.times)
    partial = path.with_suffix(".partial")
    partial.write_text("x\n1\n")
    partial.rename(path)


def file_gone(scene: DuckdbScene) -> None:
    """A file that a model reads is not there."""
    _file_gone(scene)


def _file_gone(scene: DuckdbScene) -> Any:
    path = scene.place / f"{scene.case.node}.csv"
    path.unlink()
    return path


def answering(*answers: int) -> Callable[[DuckdbScene], None]:
    """The service answers with these statuses first; 0 is a connection that ends without an answer."""
    return lambda scene: scene.service.answer(fetched=answers)


def rewritten(sql: str) -> Callable[[DuckdbScene], None]:
    """The node's SQL becomes another one, between the build and the retry."""

    def write(scene: DuckdbScene) -> None:
        scene.rewrite("select id", sql)

    return write


_FAULTS = (
    Fault("attached database locked", SQL_NODES, meddle=other_locked, weight=3),
    Fault("warehouse locked at the start", NODES, meddle=warehouse_locked, before_nodes=True),
    Fault("transactions that conflict", NODES, prepare=conflicting, hits=False, threads=(4,), weight=3),
    Fault("file that comes late, --retry-on any", SQL_NODES, meddle=file_late, arguments=("--retry-on", "any")),
    Fault("file that comes late, --only-rerun", SQL_NODES, meddle=file_late, arguments=("--only-rerun", "No files found")),
    Fault("file that is not there", SQL_NODES, prepare=file_gone, passes=False),
    Fault("service unavailable", ("fetched",), prepare=answering(503, 502), weight=2),
    Fault("service hangs up", ("fetched",), prepare=answering(0, 429)),
    Fault("service without such a page", ("fetched",), prepare=answering(*[404] * 50), passes=False),
    Fault("syntax error", SQL_NODES, prepare=rewritten("selec id"), passes=False),
    Fault("missing relation", SQL_NODES, prepare=rewritten("select id from raw.absent"), passes=False),
    Fault("value that cannot be cast", SQL_NODES, prepare=rewritten("select name::int as id, 1 as factor from raw.places"),
          passes=False),
)  # fmt: skip
DUCKDB_FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in _FAULTS}
