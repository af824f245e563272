from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.find import read_records
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.planning.retry_set import fit_to_graph, may_be_empty, plan_retry
from dbt_retry_plus.planning.selection import complete_chain
from dbt_retry_plus.planning.unresolved import unproven_since
from tests.support.ledgers import (
    PROJECT,
    at,
    changed_at,
    end,
    finish,
    graph,
    ran,
    record,
    selection,
    start,
    write_run_results,
)

A, B, C = "model.shop.m1", "model.shop.m2", "model.shop.m3"
SHOP = graph(A, B, C)
MERGED = {A: "success", B: "success", C: "error"}


def failed_retry(target: Path, ledger: LocalLedger) -> None:
    """A build that failed, and a retry of it that failed too; all artifacts are there."""
    build = record(ledger, "build", *ran({A: "success", B: "error", C: "skipped"}), started_at=at(1))
    write_run_results(build.folder, "build", {A: "success", B: "error", C: "skipped"})
    lines = [selection(B, C, whole=[A, B, C], expected=None), *ran({B: "success", C: "error"})[1:]]
    retry = record(ledger, "retry", *lines, started_at=at(2), retry_of="build")
    write_run_results(retry.folder, "retry", {B: "success", C: "error"})
    write_run_results(target, "retry", MERGED)


def killed_retry(target: Path, ledger: LocalLedger) -> None:
    """A build that failed, and a retry of it that was killed: dbt's results are those of the build."""
    build = record(ledger, "build", *ran({A: "success", B: "error", C: "skipped"}), started_at=at(1))
    write_run_results(build.folder, "build", {A: "success", B: "error", C: "skipped"})
    lines = [selection(B, C, whole=[A, B, C], expected=None), start(B), finish(B), start(C)]
    record(ledger, "retry", *lines, started_at=at(2), retry_of="build")
    write_run_results(target, "build", {A: "success", B: "error", C: "skipped"})


def interrupted_build(target: Path, ledger: LocalLedger) -> None:
    """An older build that went well, and one that Ctrl-C ended: dbt wrote what was done."""
    record(ledger, "older", *ran({A: "success", B: "success", C: "success"}), started_at=at(1))
    lines = [selection(A, B, C), start(A), finish(A), start(B), finish(B), start(C), end(complete=False, success=False)]
    build = record(ledger, "build", *lines, started_at=at(2))
    for folder in (build.folder, target):
        write_run_results(folder, "build", {A: "success", B: "success"})


SITUATIONS = (failed_retry, killed_retry, interrupted_build)


def plan_now(target: Path, ledger: LocalLedger) -> set[str] | None:
    """What a retry would run: None where it is refused."""
    try:
        records = read_records(ledger, target, PROJECT)
        chain = records.chain(records.newest_id())
        others = list(records.other_chains(chain.latest.invocation_id))
    except RetryRefusedError:
        return None
    assert all(isinstance(unproven_since(other, [chain]), frozenset) for other in others)
    if plan_retry(chain).is_empty and may_be_empty(chain):
        return set()
    chain, _ = complete_chain(chain, SHOP, frozenset(SHOP), lambda: None)
    return set(fit_to_graph(plan_retry(chain), chain, SHOP).nodes)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_undamaged_only_what_failed_is_left(tmp_path: Path, situation: Callable[[Path, LocalLedger], None]) -> None:
    situation(tmp_path, LocalLedger(tmp_path / "retry_plus"))
    assert plan_now(tmp_path, LocalLedger(tmp_path / "retry_plus")) == {C}


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes | None:
    """A file that was deleted, cut, overwritten in places, or filled with zeros."""
    kind = draw(st.sampled_from(["gone", "cut", "changed", "zeros", "empty", "doubled"]))
    place = draw(st.integers(0, len(content) - 1))
    if kind == "changed":
        return content[:place] + bytes([draw(st.integers(0, 255))]) + content[place + 1 :]
    return {
        "gone": None,
        "cut": content[:place],
        "zeros": content[:place] + bytes(len(content) - place),
        "empty": b"",
        "doubled": content[:place] + content,
    }[kind]


def files_of(target: Path) -> Iterator[Path]:
    yield from sorted(path for path in target.rglob("*") if path.is_file())


@given(st.sampled_from(SITUATIONS), st.data())
def test_one_damaged_file_never_makes_a_retry_green(
    tmp_path_factory: pytest.TempPathFactory, situation: Callable[[Path, LocalLedger], None], data: st.DataObject
) -> None:
    target = tmp_path_factory.mktemp("target")
    ledger = LocalLedger(target / "retry_plus")
    situation(target, ledger)
    path = data.draw(st.sampled_from(list(files_of(target))))
    content = data.draw(damaged(path.read_bytes()))
    changed = path.stat().st_mtime
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
        changed_at(path, changed)
    planned = plan_now(target, ledger)
    shutil.rmtree(target)
    assert planned is None or C in planned
