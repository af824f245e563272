"""The built-in checks, each with what it says and when it says nothing."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from dbt_retry_plus.checks import place, plan, record, relations
from dbt_retry_plus.checks.codes import CODES
from dbt_retry_plus.types import (
    Chain,
    EffectiveArguments,
    Finding,
    FoundRetry,
    Invocation,
    Outcome,
    Place,
    Plan,
    PlannedRetry,
    StateComparison,
)
from dbt_retry_plus.words import Severity

PACKAGE = Path(record.__file__).parents[1]
NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
DEV = Place("shop", "dev", "duckdb", "main", "1.11.0", "1.10.0")


def invocation(**fields: Any) -> Invocation:
    known: dict[str, Any] = {"started_at": NOW - timedelta(hours=3), "recorded": True, "outcomes": {}}
    return Invocation("4f3a91c0-1", "build", {}, source="journal", **{**known, **fields})


def retry(original: Invocation | None = None, **fields: Any) -> FoundRetry:
    original = original or invocation()
    chain = Chain((original,), original.outcomes)
    arguments = EffectiveArguments(original.command, fields.pop("values", {}), {})
    known: dict[str, Any] = {"project_root": Path("/nowhere"), "now": NOW, "recorded_place": DEV, "place": DEV}
    return FoundRetry(chain=chain, arguments=arguments, **{**known, **fields})


def said(check: Any, **fields: Any) -> list[tuple[str, Severity, bool]]:
    findings = list(check.retry_plus_check_record(retry(**fields)))
    assert all(f.message.endswith(".") and f.remedy.endswith(".") for f in findings)
    return [(f.code, f.severity, f.passable) for f in findings]


def test_a_sound_record_and_the_same_place_raise_nothing() -> None:
    assert said(record) == said(place) == []


def test_a_process_that_is_alive_stops_the_retry() -> None:
    assert said(record, running=invocation(process_id=7)) == [("still-running", Severity.ERROR, False)]


@pytest.mark.parametrize(("max_age", "codes"), [(None, []), (3 * 3600, []), (3 * 3600 - 1, ["record-too-old"])])
def test_a_record_may_be_too_old(max_age: float | None, codes: list[str]) -> None:
    assert [code for code, _, _ in said(record, max_age=max_age)] == codes


def test_an_age_that_is_not_known_is_not_too_old() -> None:
    assert said(record, original=invocation(started_at=None), max_age=1) == []


@pytest.mark.parametrize(
    ("recorded", "manifest_of", "codes"),
    [(False, "another", ["stale-artifacts"]), (False, "4f3a91c0-1", []), (False, None, []), (True, "another", [])],
)
def test_a_manifest_of_another_command_is_noticed_without_a_journal(
    recorded: bool, manifest_of: str | None, codes: list[str]
) -> None:
    found = said(record, original=invocation(recorded=recorded), manifest_of=manifest_of)
    assert [code for code, _, _ in found] == codes


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ({"ended": False}, ["operation-half-done"]),
        ({"ended": False, "error": ""}, ["operation-half-done"]),
        ({"ended": False, "outcomes": {"m": Outcome("m", "success")}}, []),
        ({"ended": False, "error": "Compilation Error"}, []),
        ({"ended": True, "outcomes": {"m": Outcome("m", "error")}}, []),
    ],
)
def test_a_run_operation_that_was_stopped_needs_a_word(fields: dict[str, Any], codes: list[str]) -> None:
    operation = replace(invocation(**fields), command="run-operation", arguments={"macro": "pay"})
    assert [code for code, _, _ in said(record, original=operation)] == codes


def test_what_was_deferred_to_must_be_there(tmp_path: Path) -> None:
    gone = [("state-gone", Severity.ERROR, False)]
    assert said(record, values={"defer": True, "state": "prod"}, project_root=tmp_path) == gone
    assert said(record, values={"defer": True, "defer_state": "prod", "state": "x"}, project_root=tmp_path) == gone
    assert said(record, values={"defer": False, "state": "prod"}, project_root=tmp_path) == []
    (tmp_path / "prod").mkdir()
    (tmp_path / "prod" / "manifest.json").touch()
    assert said(record, values={"defer": True, "state": "prod"}, project_root=tmp_path) == []


@pytest.mark.parametrize("name", ["profile", "target", "adapter", "schema"])
def test_in_another_place_nothing_is_proven(name: str) -> None:
    elsewhere = replace(DEV, **{name: "other"})
    assert said(place, place=elsewhere) == [(f"{name}-differs", Severity.ERROR, True)]
    assert said(place, place=elsewhere, allow_target_change=True) == []
    assert said(place, place=None) == []
    assert said(place, recorded_place=Place(), place=elsewhere) == []


@pytest.mark.parametrize("name", ["profile", "target"])
def test_what_is_given_counts_also_where_nothing_is_left_to_run(name: str) -> None:
    assert said(place, place=None, given={name: "other"}) == [(f"{name}-differs", Severity.ERROR, True)]
    assert said(place, place=None, given={name: getattr(DEV, name)}) == []


@pytest.mark.parametrize("name", ["dbt_version", "adapter_version"])
def test_another_version_is_a_warning(name: str) -> None:
    code = f"{name.replace('_', '-')}-differs"
    assert said(place, place=replace(DEV, **{name: "9.9"})) == [(code, Severity.WARNING, False)]


def planned(**fields: Any) -> PlannedRetry:
    return PlannedRetry(**vars(retry()), **fields)


def test_changes_that_stay_are_named() -> None:
    comparison = StateComparison(modified={"model.a": (), "model.b": ()}, unknown=frozenset({"model.c", "model.d"}))
    found = list(
        plan.retry_plus_check_plan(
            planned(plan=Plan(nodes={}, proven=frozenset({"model.a", "model.c"})), comparison=comparison)
        )
    )
    assert [finding.code for finding in found] == ["state-unknown", "changed-not-run"]
    assert "left as they are: model.a." in found[1].message
    assert "What 1 of the proven nodes" in found[0].message


def test_a_proven_node_with_another_name_is_named() -> None:
    outcomes = {"model.a": Outcome("model.a", "success"), "model.c": Outcome("model.c", "error")}
    of_both = retry(invocation(outcomes=outcomes))
    comparison = StateComparison(renamed={"model.a": "model.b", "model.c": "model.d"})
    found = list(
        plan.retry_plus_check_plan(PlannedRetry(**{**vars(of_both), "comparison": comparison}, plan=Plan(nodes={})))
    )
    assert [finding.message for finding in found] == [
        "model.a succeeded, and is model.b now, which is not part of the command to retry."
    ]


def test_what_planning_has_noticed_is_passed_on() -> None:
    noticed = Finding(Severity.WARNING, "node-gone", "It is gone.", "Look.")
    assert list(plan.retry_plus_check_plan(planned(plan=Plan(nodes={}, findings=(noticed,))))) == [noticed]


def test_what_the_warehouse_lacks_is_named() -> None:
    assert list(relations.retry_plus_check_plan(planned(plan=Plan(nodes={})))) == []
    found = list(
        relations.retry_plus_check_plan(planned(plan=Plan(nodes={}), missing_relations=frozenset({"model.a"})))
    )
    assert [finding.code for finding in found] == ["relation-missing"]


def test_every_code_in_the_source_is_in_the_table_and_the_other_way_round() -> None:
    """Codes are literal texts, the second argument of a Finding, or named `code`."""
    literals = {
        node.value
        for file in PACKAGE.rglob("*.py")
        if file.name != "codes.py"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    made = {f"{name}-differs" for name in ("profile", "target", "adapter", "schema", "dbt-version", "adapter-version")}
    assert CODES.keys() - literals - made == set()
    codes = {
        node.args[1].value
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "Finding"
        and len(node.args) > 1
        and isinstance(node.args[1], ast.Constant)
    }
    assert len(codes) > 8
    assert codes - CODES.keys() == set()
