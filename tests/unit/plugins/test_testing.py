"""What plugin authors get for their tests is what a retry hands to hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from dbt_retry_plus.hook_kinds import KIND_OF_HOOK
from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.types import Addition, Finding, StateComparison
from dbt_retry_plus.words import ErrorClass, Fate, Severity, Verdict

if TYPE_CHECKING:  # pytest imports it as a plugin, and warns where that was done before
    from dbt_retry_plus.testing import MakeChain, MakeReport, MakeRetry

pytest_plugins = ["dbt_retry_plus.testing"]
A, B = "model.shop.a", "test.shop.b"
ARGUMENTS = {"retry", "success", "report", "error", "attempt"}


def plugin(hook: str, implementation: Callable[..., Any]) -> object:
    return type("Plugin", (), {hook: staticmethod(hookimpl(implementation))})()


def test_a_retry_is_planned_from_what_its_chain_left(make_retry: MakeRetry, make_chain: MakeChain) -> None:
    retry = make_retry({A: "error", B: "skipped"}, settings={"mine": {"x": 1}})
    assert list(retry.plan.nodes) == [A, B]
    assert (retry.settings["mine"]["x"], retry.arguments.command) == (1, "build")
    assert make_chain({A: "success"}, command="run").original.command == "run"


def test_a_report_has_the_verdict_that_its_nodes_make(make_report: MakeReport) -> None:
    green = make_report({A: "error", B: "skipped"}, {A: "success", B: "pass"})
    assert (green.verdict, green.counts) == (Verdict.RECOVERED, {Fate.RECOVERED: 2})
    assert make_report({A: "error"}, {A: "error"}).verdict is Verdict.STILL_FAILING
    assert make_report({A: "error"}, {A: "success"}, target="prod").target == "prod"


def test_a_comparison_says_what_it_is_told(make_comparison: Callable[..., StateComparison]) -> None:
    assert make_comparison(modified={A: ("body",)}).modified == {A: ("body",)}


def test_a_check_gives_findings_and_one_that_raises_an_error(
    make_retry: MakeRetry, call_hook: Callable[..., list[Any]]
) -> None:
    finding = Finding(Severity.WARNING, "odd", "It is odd.", "Even it.")
    hook = "retry_plus_check_plan"
    (found,) = call_hook(plugin(hook, lambda retry: [finding]), hook, retry=make_retry({A: "error"}))
    assert (found.message, found.code) == ("It is odd.", "plugin-under-test/odd")
    (failed,) = call_hook(plugin(hook, lambda retry: 1 / 0), hook, retry=make_retry({A: "error"}))
    assert (failed.severity, failed.code) == (Severity.ERROR, "plugin-failed")


def test_what_a_plugin_contributes_comes_back(
    make_retry: MakeRetry, make_error: Callable[..., Any], call_hook: Callable[..., list[Any]]
) -> None:
    amend, classify = "retry_plus_amend", "retry_plus_classify"
    again = plugin(amend, lambda retry: [Addition(unique_id, "why not") for unique_id in retry.chain.outcomes])
    assert call_hook(again, amend, retry=make_retry({A: "success"})) == [Addition(A, "why not")]
    resets = plugin(classify, lambda error: [ErrorClass.TRANSIENT] if "reset" in error.causes[0].message else [])
    assert call_hook(resets, classify, error=make_error("connection reset")) == [ErrorClass.TRANSIENT]
    assert call_hook(resets, classify, error=make_error("no such table")) == []


def test_an_observer_that_raises_fails_the_test(make_report: MakeReport, call_hook: Callable[..., list[Any]]) -> None:
    hook, told = "retry_plus_report", list[str]()
    report = make_report({A: "error"}, {A: "success"})
    assert call_hook(plugin(hook, lambda report: told.append(report.short_id)), hook, report=report) == []
    assert told == ["5e6f7a8b"]
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        call_hook(plugin(hook, lambda report: 1 / 0), hook, report=report)


@pytest.mark.parametrize("hook", KIND_OF_HOOK)
def test_every_hook_can_be_called(hook: str, call_hook: Callable[..., list[Any]]) -> None:
    import inspect

    from dbt_retry_plus import hookspecs

    names = inspect.signature(getattr(hookspecs, hook)).parameters
    assert names.keys() <= ARGUMENTS
    assert call_hook(plugin(hook, lambda: None), hook, **dict.fromkeys(names)) == []
