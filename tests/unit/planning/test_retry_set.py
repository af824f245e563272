from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.planning.retry_set import plan_retry, without_missing_nodes
from dbt_retry_plus.types import (
    PROVEN_STATUSES,
    UNPROVEN_STATUSES,
    Chain,
    Invocation,
    Outcome,
    Reason,
    Severity,
)

STATUSES = st.sampled_from(sorted(PROVEN_STATUSES | UNPROVEN_STATUSES))
IDS = st.sampled_from([f"model.shop.m{number}" for number in range(8)])
OUTCOMES = st.dictionaries(IDS, STATUSES)


def chain_of(statuses: dict[str, str], command: str = "build") -> Chain:
    outcomes = {unique_id: Outcome(unique_id, status) for unique_id, status in statuses.items()}
    return Chain((Invocation("1", command, {}, outcomes, source="here"),), outcomes)


@given(OUTCOMES, st.booleans())
def test_every_node_is_either_proven_or_in_the_retry_set(statuses: dict[str, str], warnings: bool) -> None:
    plan = plan_retry(chain_of(statuses), retry_warnings=warnings)
    assert plan.nodes.keys() | plan.proven == statuses.keys()
    assert not plan.nodes.keys() & plan.proven
    for unique_id in plan.proven:
        assert statuses[unique_id] in PROVEN_STATUSES
        assert not (warnings and statuses[unique_id] == "warn")
    for unique_id, node in plan.nodes.items():
        assert node.previous_status == statuses[unique_id]


@given(OUTCOMES, IDS)
def test_adding_a_failure_never_shrinks_the_retry_set(statuses: dict[str, str], failed: str) -> None:
    before = plan_retry(chain_of(statuses)).nodes.keys()
    after = plan_retry(chain_of({**statuses, failed: "error"})).nodes.keys()
    assert after == before | {failed}


@given(OUTCOMES, st.sets(IDS))
def test_missing_nodes_are_left_out_with_a_warning_each(statuses: dict[str, str], present: set[str]) -> None:
    plan = plan_retry(chain_of(statuses))
    left = without_missing_nodes(plan, present)
    assert left.nodes.keys() == plan.nodes.keys() & present
    assert len(left.findings) == len(plan.nodes.keys() - present)
    assert all(finding.severity is Severity.WARNING for finding in left.findings)


def test_reasons() -> None:
    plan = plan_retry(
        chain_of(
            {
                "model.a.error": "error",
                "test.a.fail": "fail",
                "model.a.skipped": "skipped",
                "model.a.partial": "partial success",
                "test.a.warn": "warn",
                "model.a.interrupted": "interrupted",
                "model.a.not_started": "not started",
            }
        ),
        retry_warnings=True,
    )
    assert {unique_id.split(".")[-1]: node.reason for unique_id, node in plan.nodes.items()} == {
        "error": Reason.FAILED,
        "fail": Reason.FAILED,
        "skipped": Reason.SKIPPED,
        "partial": Reason.FAILED_BATCHES,
        "warn": Reason.WARNED,
        "interrupted": Reason.INTERRUPTED,
        "not_started": Reason.NOT_STARTED,
    }


def test_failed_hooks_are_no_nodes_but_something_to_do() -> None:
    plan = plan_retry(chain_of({"model.a.b": "success", "operation.a.hook-on-run-end-0": "error"}))
    assert not plan.nodes
    assert [hook.reason for hook in plan.hooks] == [Reason.FAILED_HOOK]
    assert not plan.is_empty


def test_a_failed_run_operation_is_a_node() -> None:
    plan = plan_retry(chain_of({"operation.a.op": "error"}, command="run-operation"))
    assert list(plan.nodes) == ["operation.a.op"]


def test_nothing_to_do() -> None:
    assert plan_retry(chain_of({"model.a.b": "success", "model.a.c": "no-op"})).is_empty
