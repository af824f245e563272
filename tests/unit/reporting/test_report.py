"""The model: what a retry made of each node, and what it came to as a whole."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import Any

import pytest

from dbt_retry_plus.reporting.document import is_storable, report_document, report_from, storable
from dbt_retry_plus.reporting.report import make_report
from dbt_retry_plus.types import Chain, EffectiveArguments, Outcome, Plan, PlannedNode, RetryReport
from dbt_retry_plus.words import Fate, Reason, Verdict
from tests.support.ledgers import chain, graph, invocation
from tests.support.reports import NOW, report_of, schema, validate

ARGUMENTS = EffectiveArguments("build", {"threads": 4}, {"threads": "recorded"})


def planned(*nodes: str, reason: Reason = Reason.FAILED) -> dict[str, PlannedNode]:
    return {node: PlannedNode(node, reason) for node in nodes}


def made(before: dict[str, str], plan: Plan, after: dict[str, str], **changes: Any) -> RetryReport:
    ran = invocation(
        "2", after, selection=frozenset(plan.nodes), **{"succeeded": True, "started_at": NOW, **_own(changes)}
    )
    return make_report(chain(invocation("1", before)), ARGUMENTS, plan, (), ran, **changes)


def _own(changes: dict[str, Any]) -> dict[str, Any]:
    return {name: changes.pop(name) for name in ("ended", "succeeded", "error") if name in changes}


def fates(report: RetryReport) -> dict[str, str]:
    return {node.unique_id: node.fate.value for node in report.nodes}


@pytest.mark.parametrize(
    ("before", "reason", "after", "fate"),
    [
        ("error", Reason.FAILED, "success", Fate.RECOVERED),
        ("skipped", Reason.SKIPPED, "success", Fate.RECOVERED),
        ("interrupted", Reason.INTERRUPTED, "warn", Fate.RECOVERED),
        ("warn", Reason.WARNED, "pass", Fate.RECOVERED),
        ("warn", Reason.WARNED, "fail", Fate.STILL_FAILING),
        ("success", Reason.CHANGED, "success", Fate.REBUILT),
        ("success", Reason.CHANGED, "error", Fate.NEWLY_FAILING),
        ("success", Reason.DOWNSTREAM, "skipped", Fate.NEVER_ATTEMPTED),
        ("error", Reason.FAILED, "error", Fate.STILL_FAILING),
        ("fail", Reason.FAILED, "error", Fate.STILL_FAILING),
        ("partial success", Reason.FAILED_BATCHES, "partial success", Fate.STILL_FAILING),
        ("skipped", Reason.SKIPPED, "fail", Fate.NEWLY_FAILING),
        ("not started", Reason.NOT_STARTED, "error", Fate.NEWLY_FAILING),
        ("error", Reason.FAILED, "interrupted", Fate.INTERRUPTED),
        ("error", Reason.FAILED, "skipped", Fate.NEVER_ATTEMPTED),
        ("error", Reason.FAILED, None, Fate.NEVER_ATTEMPTED),
        ("error", Reason.FAILED, "a status of tomorrow", Fate.STILL_FAILING),
    ],
)
def test_what_a_retry_makes_of_a_node(before: str, reason: Reason, after: str | None, fate: Fate) -> None:
    report = made({"model.a": before}, Plan(planned("model.a", reason=reason)), {"model.a": after} if after else {})
    assert fates(report) == {"model.a": fate.value}
    (node,) = report.nodes
    assert node.previous_status == before
    assert node.status == (after or "not started")
    assert len(node.attempts) == (fate is not Fate.NEVER_ATTEMPTED)


GREEN = {"ended": True, "succeeded": True}


@pytest.mark.parametrize(
    ("after", "plan", "changes", "verdict"),
    [
        ({"model.a": "success"}, Plan(planned("model.a")), {}, Verdict.RECOVERED),
        ({}, Plan({}, proven=frozenset({"model.p"})), {}, Verdict.NOTHING_TO_RETRY),
        ({"model.a": "error"}, Plan(planned("model.a")), {}, Verdict.STILL_FAILING),
        ({"model.a": "skipped"}, Plan(planned("model.a")), {}, Verdict.STILL_FAILING),
        ({"model.a": "success"}, Plan(planned("model.a")), {"succeeded": False}, Verdict.STILL_FAILING),
        ({"model.a": "success"}, Plan(planned("model.a")), {"succeeded": None}, Verdict.STILL_FAILING),
        ({}, Plan(planned("model.a")), {}, Verdict.STILL_FAILING),
        ({"model.a": "success"}, Plan(planned("model.a")), {"ended": False, "error": "no space"}, Verdict.STILL_FAILING),
        ({"model.a": "success"}, Plan(planned("model.a")), {"ended": False}, Verdict.INTERRUPTED),
        ({"model.a": "interrupted"}, Plan(planned("model.a")), {"ended": False}, Verdict.INTERRUPTED),
        ({}, Plan({}, left_out=frozenset({"model.a"})), {}, Verdict.INCOMPLETE),
        (
            {"model.a": "success"},
            Plan(planned("model.a"), left_out=frozenset({"model.b"})),
            {"succeeded": False},
            Verdict.INCOMPLETE,
        ),
        ({"model.a": "fail"}, Plan(planned("model.a"), left_out=frozenset({"model.b"})), {}, Verdict.STILL_FAILING),
        ({}, Plan(planned("model.a")), {"refusal": "No."}, Verdict.REFUSED),
        ({"operation.end": "error"}, Plan({}, (PlannedNode("operation.end", Reason.FAILED_HOOK),)), {}, Verdict.STILL_FAILING),
        ({"model.a": "success", "operation.end": "error"}, Plan(planned("model.a")), {}, Verdict.STILL_FAILING),
    ],
)  # fmt: skip
def test_what_a_retry_comes_to(after: dict[str, str], plan: Plan, changes: dict[str, Any], verdict: Verdict) -> None:
    before = {"model.a": "error", "model.b": "error", "model.p": "success"}
    assert made(before, plan, after, **changes).verdict is verdict


def test_all_nodes_are_there_and_what_runs_comes_first() -> None:
    plan = Plan(
        planned("model.a"),
        (PlannedNode("operation.end", Reason.FAILED_HOOK),),
        frozenset({"model.p", "model.q", "operation.start"}),
        frozenset({"model.l"}),
    )
    before = {
        "model.p": "success",
        "model.q": "pass",
        "model.a": "error",
        "model.l": "error",
        "model.gone": "error",
        "operation.start": "success",
        "operation.end": "error",
    }
    report = made(before, plan, {"model.a": "success", "operation.start": "success", "operation.end": "success"})
    assert fates(report) == {
        "model.a": "recovered",
        "operation.end": "recovered",
        "operation.start": "rebuilt",
        "model.l": "left out",
        "model.p": "proven before",
        "model.q": "proven before",
    }
    assert list(fates(report))[:3] == ["model.a", "operation.end", "operation.start"]
    assert dict(report.counts) == {Fate.RECOVERED: 2, Fate.REBUILT: 1, Fate.LEFT_OUT: 1, Fate.PROVEN_BEFORE: 2}
    assert report.unproven == ()


def test_time_saved_is_the_recorded_time_of_what_did_not_run() -> None:
    outcomes = {
        "model.p": Outcome("model.p", "success", execution_time=7.0),
        "model.a": Outcome("model.a", "error", "boom", execution_time=5.0),
    }
    before = replace(invocation("1"), outcomes=outcomes)
    ran = invocation("2", {"model.a": "success"}, succeeded=True)
    plan = Plan(planned("model.a"), proven=frozenset({"model.p"}))
    report = make_report(Chain((before,), outcomes), ARGUMENTS, plan, (), ran)
    assert report.seconds_saved == 7.0
    assert report.nodes[0].previous_message == "boom"


def test_the_attempt_has_dbts_own_times_and_thread() -> None:
    row = {
        "thread_id": "Thread-3 (worker)",
        "timing": [
            {"name": "compile", "started_at": "2026-01-02T03:04:05.000001Z", "completed_at": "2026-01-02T03:04:06.000000Z"},
            {"name": "execute", "started_at": "2026-01-02T03:04:06.000000Z", "completed_at": "2026-01-02T03:04:09.000000Z"},
            "damaged",
            {"name": "execute", "started_at": None, "completed_at": "no time"},
        ],
    }  # fmt: skip
    ran = replace(invocation("2"), outcomes={"model.a": Outcome("model.a", "error", "no", 4.0, row=row)})
    report = make_report(chain(invocation("1", {"model.a": "error"})), ARGUMENTS, Plan(planned("model.a")), (), ran)
    (attempt,) = report.nodes[0].attempts
    assert (attempt.thread, attempt.message, attempt.execution_time) == ("Thread-3 (worker)", "no", 4.0)
    assert attempt.started_at and attempt.completed_at
    assert (attempt.completed_at - attempt.started_at).total_seconds() == pytest.approx(3.999999)


def test_parents_are_those_in_the_report_with_ephemeral_models_looked_through() -> None:
    project = graph(
        "model.p", "model.a", "model.b", "model.elsewhere", "source.s",
        ephemeral=("model.e", "model.f"),
        parents={
            "model.a": ("model.e", "source.s", "model.elsewhere"), "model.e": ("model.f",),
            "model.f": ("model.p", "model.e"), "model.b": ("model.a", "model.p"), "model.elsewhere": ("model.p",),
        },
    )  # fmt: skip
    plan = Plan(planned("model.a", "model.b"), proven=frozenset({"model.p"}))
    before = {"model.p": "success", "model.a": "error", "model.b": "skipped"}
    report = made(before, plan, {}, graph=project)
    assert {node.unique_id: node.parents for node in report.nodes} == {
        "model.a": ("model.p",),
        "model.b": ("model.a", "model.p"),
        "model.p": (),
    }


def test_a_macro_goes_by_the_name_that_was_retried() -> None:
    before = invocation("1", command="run-operation", arguments={"macro": "pay"}, ended=False)
    ran = invocation("2", {"macro.shop.pay": "success"}, command="run-operation", succeeded=True)
    report = make_report(chain(before), ARGUMENTS, Plan(planned("pay", reason=Reason.INTERRUPTED)), (), ran)
    assert fates(report) == {"pay": "recovered"}
    assert report.verdict is Verdict.RECOVERED


@pytest.mark.parametrize("number", [0, 1, 50])
def test_a_report_survives_its_document_and_fits_the_schema(number: int) -> None:
    report = report_of(number)
    document = json.loads(json.dumps(report_document(report)))
    validate(document)
    assert report_from(document) == report


def test_the_schema_stays_open_and_knows_all_our_words() -> None:
    document = report_document(report_of(8))
    document["of_tomorrow"] = 1
    document["nodes"][0]["attempts"][0]["error_class"] = "transient"
    validate(document, closed=False)
    properties = schema(closed=False)["properties"]
    assert {verdict.value for verdict in Verdict} <= set(properties["verdict"]["enum"])
    assert {fate.value for fate in Fate} == set(properties["nodes"]["items"]["properties"]["fate"]["enum"])


def test_a_document_of_another_version_is_no_report() -> None:
    document = report_document(report_of(1))
    with pytest.raises(ValueError, match=r"report/v2' is not 'dbt-retry-plus/report/v1'"):
        report_from({**document, "schema": "dbt-retry-plus/report/v2"})


def test_messages_are_bounded_each_and_together() -> None:
    document = report_document(report_of(8))
    for node in document["nodes"]:
        node["previous"]["message"] = "begin" + "x" * 10_000_000 + "end"
    kept = storable(document)["nodes"][0]["previous"]["message"]
    assert kept.startswith("beginx") and kept.endswith("xend")
    assert len(kept) < 20_100
    assert "9,980,008 characters are left out" in kept
    many = {"nodes": [{"attempts": [], "m": "x" * 30_000}] * 15_000}
    assert len(storable(many)["nodes"][0]["m"]) < 1_500


def test_halves_of_characters_become_their_escapes() -> None:
    assert storable({"nodes": [], "name\udcff": ["\ud800ok😀", 3]}) == {"nodes": [], "name\\udcff": ["\\ud800ok😀", 3]}


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ({"a": [1, 2.5, None, True, "text", {"b": []}]}, True),
        ({"a": {"b": {"c": [["x" * 1_000]]}}}, True),
        ({"a": "x" * 30_000}, False),
        ({"a": {"x" * 30_000: 1}}, False),
        ({"a": "é"}, False),
        ({"a": {"é": 1}}, False),
        ({"a": {1: 2}}, False),
        ({"a": (1, 2)}, False),
        ({"a": [[Fate.RECOVERED]]}, False),
        ({"a": MappingProxyType({})}, False),
        ({"a": date(2026, 1, 1)}, False),
    ],
)
def test_a_document_that_is_plain_json_is_told_from_others(value: dict[str, Any], plain: bool) -> None:
    document = {"nodes": [{"attempts": []}], **value}
    assert is_storable(document) == plain
    if plain:
        assert storable(document) == document == json.loads(json.dumps(document))
