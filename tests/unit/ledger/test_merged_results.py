from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.ledger.merged_results import publish_results, row_of
from dbt_retry_plus.ledger.run_results import read_run_results
from dbt_retry_plus.types import Chain, Invocation, Outcome
from dbt_retry_plus.words import INTERRUPTED, NOT_STARTED, PROVEN_STATUSES, UNPROVEN_STATUSES
from tests.support.ledgers import chain, invocation, write_run_results

A, B, C, HOOK = "model.shop.a", "model.shop.b", "model.shop.c", "operation.shop.shop-on-run-end-0"
NODES = frozenset({A, B, C})

OUTCOMES = st.dictionaries(
    st.sampled_from([A, B, C, HOOK]), st.sampled_from(sorted(PROVEN_STATUSES | UNPROVEN_STATUSES))
)
NEW = st.dictionaries(st.sampled_from([A, B, C, HOOK]), st.sampled_from(["success", "error", "skipped"]))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def published(
    target: Path, before: Chain, new: dict[str, str], present: frozenset[str] = NODES, merge: bool = True
) -> Any:
    raw = write_run_results(target.parent / "raw", "retry", new)
    publish_results(raw, target, before, present, merge=merge)
    return json.loads((target / "run_results.json").read_bytes())


def ids_of(document: dict[str, Any]) -> list[str]:
    return [row["unique_id"] for row in document["results"]]


def test_proven_nodes_keep_their_rows_and_retried_ones_get_new_ones(target: Path) -> None:
    row = {
        "unique_id": A,
        "status": "success",
        "message": "CREATE VIEW",
        "timing": [{"name": "execute"}],
        "failures": 0,
    }
    outcomes = {A: Outcome(A, "success", row=row), B: Outcome(B, "error"), C: Outcome(C, "skipped")}
    document = published(target, Chain((invocation(),), outcomes), {C: "error", B: "success"})
    assert ids_of(document) == [A, B, C]
    assert document["results"][0].items() >= row.items()
    assert [row["status"] for row in document["results"]] == ["success", "success", "error"]
    assert document["metadata"]["invocation_id"] == "retry"


@given(OUTCOMES, NEW, st.frozensets(st.sampled_from([A, B, C])))
def test_the_whole_command_is_in_the_results(
    tmp_path_factory: pytest.TempPathFactory, before: dict[str, str], new: dict[str, str], present: frozenset[str]
) -> None:
    target = tmp_path_factory.mktemp("target")
    document = published(target, chain(invocation("1", before)), new, present)
    rows = {row["unique_id"]: row["status"] for row in document["results"]}
    assert len(rows) == len(document["results"])
    assert rows.keys() == new.keys() | {node for node in before if node in present}
    for node, status in rows.items():
        assert status == new[node] if node in new else (status in PROVEN_STATUSES) == (before[node] in PROVEN_STATUSES)
    assert read_run_results(target).outcomes.keys() == rows.keys()


def test_a_hook_has_a_row_only_where_dbt_wrote_one(target: Path) -> None:
    """Before dbt-core 1.9 the journal alone knows of hooks."""
    journalled = Outcome(HOOK, "success", row={"status": "success", "execution_time": 0.1})
    assert ids_of(published(target, Chain((invocation(),), {HOOK: journalled}), {A: "success"})) == [A]
    reported = Outcome(HOOK, "success", row={"status": "success", "thread_id": "main"})
    assert ids_of(published(target, Chain((invocation(),), {HOOK: reported}), {A: "success"})) == [HOOK, A]


def test_a_row_says_in_dbts_words_what_dbt_has_no_word_for() -> None:
    assert row_of(Outcome(A, INTERRUPTED)).items() >= {"status": "error", "message": "interrupted"}.items()
    assert row_of(Outcome(A, NOT_STARTED)).items() >= {"status": "skipped", "message": "not started"}.items()


def test_a_row_has_dbts_fields_and_no_others() -> None:
    row = row_of(Outcome(A, "success", row={"unique_id": "another", "status": "error", "from_the_future": 1}))
    assert (row["unique_id"], row["status"], row["execution_time"]) == (A, "success", 0.0)
    assert "from_the_future" not in row
    assert row.keys() == row_of(Outcome(B, "error")).keys()


def test_upstreams_way_is_the_retry_alone(target: Path) -> None:
    document = published(target, chain(invocation("1", {A: "success"})), {B: "error"}, merge=False)
    assert ids_of(document) == [B]


@pytest.mark.parametrize("merge", [True, False])
@pytest.mark.parametrize("length", [None, 0, 10, -1])
def test_results_that_never_came_or_came_in_half_leave_the_old_ones(
    target: Path, length: int | None, merge: bool
) -> None:
    (target / "run_results.json").write_bytes(b"before")
    raw = write_run_results(target.parent / "raw", "retry", {A: "success"})
    if length is None:
        raw.unlink()
    else:
        raw.write_bytes(raw.read_bytes()[:length])
    publish_results(raw, target, chain(invocation("1", {A: "error"})), NODES, merge=merge)
    assert (target / "run_results.json").read_bytes() == b"before"


@pytest.mark.parametrize("merge", [True, False])
def test_the_results_are_as_public_as_they_were(target: Path, merge: bool) -> None:
    (target / "run_results.json").touch()
    (target / "run_results.json").chmod(0o640)
    published(target, chain(invocation("1", {A: "error"})), {A: "success"}, merge=merge)
    assert (target / "run_results.json").stat().st_mode & 0o777 == 0o640


def test_published_results_can_be_retried_as_the_chain_could(target: Path) -> None:
    statuses = {A: "success", B: INTERRUPTED, C: NOT_STARTED}
    published(target, chain(invocation("1", statuses)), {})
    reread: Invocation = read_run_results(target)
    assert {node: outcome.proven for node, outcome in reread.outcomes.items()} == {A: True, B: False, C: False}
