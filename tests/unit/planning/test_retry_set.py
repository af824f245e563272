from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.planning.retry_set import fit_to_graph, may_be_empty, plan_retry
from dbt_retry_plus.types import Chain, Invocation, Outcome, Plan
from dbt_retry_plus.words import PROVEN_STATUSES, UNPROVEN_STATUSES, Reason, Severity
from tests.support.ledgers import chain, graph, invocation

START_HOOK, END_HOOK = "operation.shop.shop-on-run-start-0", "operation.shop.shop-on-run-end-0"
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


@pytest.mark.parametrize("command", ["compile", "generate"])
def test_where_hooks_are_only_compiled_they_are_nodes(command: str) -> None:
    plan = plan_retry(chain_of({START_HOOK: "error", END_HOOK: "not started"}, command=command))
    assert {unique_id: node.reason for unique_id, node in plan.nodes.items()} == {
        START_HOOK: Reason.FAILED,
        END_HOOK: Reason.NOT_STARTED,
    }
    assert not plan.hooks


def test_nothing_to_do() -> None:
    assert plan_retry(chain_of({"model.a.b": "success", "model.a.c": "no-op"})).is_empty


COMMANDS_WITH_HOOKS = ("build", "run", "seed", "snapshot", "test")
TODAY = st.frozensets(IDS | st.sampled_from([START_HOOK, END_HOOK]))


def fitted(whole: Chain, *today: str, ephemeral: tuple[str, ...] = ()) -> Plan:
    return fit_to_graph(plan_retry(whole), whole, graph(*today, ephemeral=ephemeral))


@given(OUTCOMES, TODAY, st.frozensets(IDS))
def test_only_what_the_project_has_is_run_and_the_rest_is_named(
    statuses: dict[str, str], today: frozenset[str], ephemeral: frozenset[str]
) -> None:
    whole = chain_of(statuses)
    wanted = plan_retry(whole)
    plan = fitted(whole, *today, ephemeral=tuple(ephemeral))
    left = {u for u in today | ephemeral if u not in ephemeral or statuses.get(u) != "not started"}
    assert plan.nodes == {u: n for u, n in wanted.nodes.items() if u in left}
    assert plan.proven == wanted.proven
    gone = sorted(wanted.nodes.keys() - today - ephemeral)
    assert [finding.message.split()[0] for finding in plan.findings] == gone
    assert all((f.severity, f.code) == (Severity.WARNING, "node-gone") for f in plan.findings)


def test_a_missing_node_is_named_with_what_it_came_to() -> None:
    plan = fitted(chain_of({"model.shop.old": "skipped", "model.shop.a": "error"}), "model.shop.a")
    assert list(plan.nodes) == ["model.shop.a"]
    assert [finding.message for finding in plan.findings] == [
        "model.shop.old (skipped) is not in the project any more and is left out of the retry."
    ]


def test_a_failed_hook_that_is_gone_is_left_out_with_a_warning() -> None:
    plan = fitted(chain_of({START_HOOK: "error", END_HOOK: "error"}), START_HOOK)
    assert [hook.unique_id for hook in plan.hooks] == [START_HOOK]
    assert [finding.code for finding in plan.findings] == ["node-gone"]
    assert END_HOOK in plan.findings[0].message


def test_the_macro_of_a_run_operation_is_no_node_of_the_graph() -> None:
    plan = fitted(chain_of({"macro.shop.op": "error"}, command="run-operation"))
    assert list(plan.nodes) == ["macro.shop.op"]
    assert not plan.findings


@pytest.mark.parametrize(("succeeded", "again"), [(None, True), (False, True), (True, False)])
def test_a_run_operation_without_outcome_runs_again_unless_dbt_called_it_a_success(
    succeeded: bool | None, again: bool
) -> None:
    operation = invocation(
        command="run-operation", arguments={"macro": "op"}, ended=bool(succeeded), succeeded=succeeded
    )
    plan = plan_retry(chain(operation))
    assert [(node.unique_id, node.reason) for node in plan.nodes.values()] == [("op", Reason.INTERRUPTED)] * again


@pytest.mark.parametrize("command", COMMANDS_WITH_HOOKS)
def test_a_command_that_failed_after_its_nodes_has_its_hooks_left(command: str) -> None:
    killed = invocation("1", {"model.shop.a": "success"}, command=command, ended=False)
    plan = fitted(chain(killed), "model.shop.a", END_HOOK, START_HOOK)
    assert [(hook.unique_id, hook.reason) for hook in plan.hooks] == [
        (END_HOOK, Reason.FAILED_HOOK),
        (START_HOOK, Reason.FAILED_HOOK),
    ]
    assert not plan.nodes


@pytest.mark.parametrize("command", ["compile", "clone", "freshness"])
def test_a_command_without_hooks_has_nothing_left(command: str) -> None:
    killed = invocation("1", {"model.shop.a": "success"}, command=command, ended=False)
    assert fitted(chain(killed), "model.shop.a", END_HOOK).is_empty


def test_docs_that_were_not_written_are_generated_again() -> None:
    killed = invocation("1", {"model.shop.a": "success", "model.shop.gone": "success"}, command="generate", ended=False)
    plan = fitted(chain(killed), "model.shop.a")
    assert list(plan.nodes) == ["model.shop.a"]
    assert plan.proven == {"model.shop.gone"}
    assert not plan.findings


ENDINGS = st.tuples(st.booleans(), st.none() | st.booleans())


@given(OUTCOMES, ENDINGS, st.sampled_from(COMMANDS_WITH_HOOKS))
def test_an_empty_plan_is_the_last_word_only_if_the_command_came_to_its_end(
    statuses: dict[str, str], ending: tuple[bool, bool | None], command: str
) -> None:
    ended, succeeded = ending
    link = invocation("1", statuses, command=command, ended=ended, succeeded=succeeded, recorded=True)
    plan = fitted(chain(link), *statuses, END_HOOK)
    if plan.is_empty:
        assert may_be_empty(chain(link))
        assert ended
        assert succeeded is not False


@given(OUTCOMES, ENDINGS)
def test_what_is_not_recorded_never_has_the_last_word(
    statuses: dict[str, str], ending: tuple[bool, bool | None]
) -> None:
    ended, succeeded = ending
    assert not may_be_empty(chain(invocation("1", statuses, ended=ended, succeeded=succeeded)))


def test_a_retry_that_came_to_its_end_makes_up_for_a_command_that_did_not() -> None:
    killed = invocation("1", {"model.shop.a": "success"}, ended=False, recorded=True)
    retry = invocation(
        "2", {END_HOOK: "success"}, succeeded=True, recorded=True, whole_selection=frozenset({"model.shop.a"})
    )
    whole = chain(killed, retry)
    assert may_be_empty(whole)
    assert fitted(whole, "model.shop.a", END_HOOK).is_empty


def test_a_retry_that_was_killed_at_once_leaves_the_hooks_to_the_next() -> None:
    done = invocation("1", {"model.shop.a": "success"}, succeeded=True, recorded=True)
    killed = invocation("2", {}, ended=False, recorded=True)
    assert not may_be_empty(chain(done, killed))
    assert [hook.unique_id for hook in fitted(chain(done, killed), "model.shop.a", END_HOOK).hooks] == [END_HOOK]
