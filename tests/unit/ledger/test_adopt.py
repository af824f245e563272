from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.ledger.adopt import adopt
from dbt_retry_plus.ledger.find import read_records
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.ledger.run_results import read_run_results
from dbt_retry_plus.planning.chain import absent, fold
from dbt_retry_plus.types import Chain
from dbt_retry_plus.words import PROVEN_STATUSES, UNPROVEN_STATUSES
from tests.support.ledgers import PROJECT, at, ran, record, selection, start, write_run_results

A, B, UNIT = "model.shop.a", "model.shop.b", "unit_test.shop.u"


def own_ledger(tmp_path: Path) -> LocalLedger:
    return LocalLedger(tmp_path / "target" / "retry_plus")


def adopted_from_results(
    tmp_path: Path, statuses: dict[str, str], missing: tuple[str, ...] = (), **changes: str
) -> Chain:
    """The chain of dbt's results, as a ledger that took it over tells it once the results are gone."""
    write_run_results(tmp_path / "results", "abc", statuses, args={"which": "build", **changes})
    chain = fold([read_run_results(tmp_path / "results")])
    whole = Chain(chain.invocations, {**chain.outcomes, **absent(missing, chain.outcomes)})
    ledger = own_ledger(tmp_path)
    adopt(whole, ledger, PROJECT, tmp_path / "results", LocalLedger(tmp_path / "results" / "retry_plus"))
    return read_records(ledger, tmp_path / "target", PROJECT).chain("abc")


def statuses_of(chain: Chain) -> dict[str, str]:
    return {outcome.unique_id: outcome.status for outcome in chain.outcomes.values()}


def test_results_become_a_record(tmp_path: Path) -> None:
    chain = adopted_from_results(tmp_path, {A: "success", B: "error"}, threads="4", which="run")
    assert statuses_of(chain) == {A: "success", B: "error"}
    assert chain.tells_all
    assert chain.original.arguments == {"which": "run", "threads": "4"}
    assert (chain.original.project, chain.original.dbt_version) == (PROJECT, "1.11.16")
    assert not own_ledger(tmp_path).is_running("abc")
    copy = own_ledger(tmp_path).invocations / "abc" / "run_results.json"
    assert copy.read_bytes() == (tmp_path / "results" / "run_results.json").read_bytes()


@given(
    st.dictionaries(st.sampled_from([A, B, UNIT]), st.sampled_from(sorted(PROVEN_STATUSES | UNPROVEN_STATUSES))),
    st.frozensets(st.sampled_from([A, B, UNIT, "test.shop.t"])),
    st.sampled_from(["build", "test", "run"]),
)
def test_an_adopted_chain_tells_the_same(
    tmp_path_factory: pytest.TempPathFactory, statuses: dict[str, str], selected: frozenset[str], command: str
) -> None:
    missing = tuple(sorted(selected - statuses.keys()))
    chain = adopted_from_results(tmp_path_factory.mktemp("adopted"), statuses, missing, which=command)
    assert statuses_of(chain) == {**statuses, **dict.fromkeys(missing, "not started")}
    assert chain.original.ended == (not missing)


def test_failed_hooks_are_no_nodes_that_are_missing(tmp_path: Path) -> None:
    hook = "operation.shop.shop-on-run-end-0"
    assert adopted_from_results(tmp_path, {A: "success", hook: "error"}, which="run").tells_all


def test_results_without_an_id_are_told_apart(tmp_path: Path) -> None:
    ledger = own_ledger(tmp_path)
    for folder, statuses in (("first", {A: "success"}), ("second", {A: "error"})):
        write_run_results(tmp_path / folder, None, statuses)
        chain = fold([read_run_results(tmp_path / folder)])
        adopt(chain, ledger, PROJECT, tmp_path / folder, ledger)
        again = read_records(ledger, tmp_path / folder, PROJECT)
        assert again.results is None
        assert statuses_of(again.chain(chain.original.invocation_id)) == statuses
    assert len(ledger.entries()) == 2


@pytest.mark.parametrize("odd", ["../../elsewhere", "/elsewhere", "a/b", "..", ".", "", "a b\n", 7, ["x"]])
def test_an_odd_id_writes_nowhere_else(tmp_path: Path, odd: str) -> None:
    write_run_results(tmp_path / "results", odd, {A: "error"})
    chain = fold([read_run_results(tmp_path / "results")])
    ledger = own_ledger(tmp_path)
    adopt(chain, ledger, PROJECT, tmp_path / "results", ledger)
    assert [entry.folder.parent for entry in ledger.entries()] == [ledger.invocations]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results", "target"]


def test_what_is_on_the_ledger_stays_as_it_is(tmp_path: Path) -> None:
    ledger = own_ledger(tmp_path)
    entry = record(ledger, "abc", *ran({A: "success"}))
    before = (entry.folder / "journal.jsonl").read_bytes()
    write_run_results(tmp_path / "results", "abc", {A: "error"})
    adopt(fold([read_run_results(tmp_path / "results")]), ledger, PROJECT, tmp_path / "results", ledger)
    assert (entry.folder / "journal.jsonl").read_bytes() == before


def test_a_chain_of_another_ledger_is_copied_for_the_owner_only(tmp_path: Path) -> None:
    other, own = LocalLedger(tmp_path / "other" / "retry_plus"), own_ledger(tmp_path)
    record(other, "build", *ran({A: "error", B: "success"}), started_at=at(1))
    retry = record(other, "retry", selection(A), start(A), started_at=at(2), retry_of="build")
    (retry.folder / "more").mkdir()
    (retry.folder / "more" / "manifest.json").write_text("{}")
    for path in (retry.folder, *retry.folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    chain = read_records(other, tmp_path / "other", PROJECT).chain("retry")
    adopt(chain, own, PROJECT, tmp_path / "other", other)
    adopt(chain, own, PROJECT, tmp_path / "other", other)
    copied = read_records(own, tmp_path / "target", PROJECT).chain("build")
    assert statuses_of(copied) == statuses_of(chain)
    assert [link.invocation_id for link in copied.invocations] == ["build", "retry"]
    for path in own.invocations.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_a_copy_that_failed_leaves_nothing(tmp_path: Path) -> None:
    other, own = LocalLedger(tmp_path / "other" / "retry_plus"), own_ledger(tmp_path)
    entry = record(other, "build", *ran({A: "error"}))
    (entry.folder / "broken").symlink_to("nowhere")
    chain = read_records(other, tmp_path / "other", PROJECT).chain("build")
    with pytest.raises(OSError, match=r"^\[Errno 2\] No such file or directory: '.*broken'$"):
        adopt(chain, own, PROJECT, tmp_path / "other", other)
    assert list(own.invocations.iterdir()) == []


def test_the_manifest_is_kept_if_it_is_of_the_same_invocation(tmp_path: Path) -> None:
    manifest = tmp_path / "results" / "manifest.json"
    for invocation_id, kept in (("another", False), ("abc", True)):
        manifest.parent.mkdir(exist_ok=True)
        manifest.write_text(json.dumps({"metadata": {"invocation_id": invocation_id}, "nodes": {}}))
        adopted_from_results(tmp_path, {A: "error"})
        ledger = own_ledger(tmp_path)
        assert (ledger.invocations / "abc" / "manifest.json").exists() == kept
        ledger.discard("abc")
