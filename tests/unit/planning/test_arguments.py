from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.planning.arguments import effective_arguments
from dbt_retry_plus.planning.options import TREATMENT, of_this_command
from dbt_retry_plus.types import EffectiveArguments, Invocation

ACCEPTED = frozenset({"vars", "threads", "warn_error", "warn_error_options", "fail_fast", "select"})


def invocation(**arguments: Any) -> Invocation:
    return Invocation("0123456789", "build", {"which": "build", **arguments}, {}, source="run_results.json")


def effective(
    recorded: dict[str, Any], given_now: dict[str, Any], this: dict[str, Any] | None = None, **options: bool
) -> EffectiveArguments:
    return effective_arguments(invocation(**recorded), given_now, this or {}, ACCEPTED, **options)


def test_recorded_arguments_stay() -> None:
    arguments = effective({"threads": 4, "select": ["a+"]}, {})
    assert arguments.values == {"which": "build", "threads": 4, "select": ["a+"]}
    assert set(arguments.sources.values()) == {"recorded"}


def test_what_is_given_now_wins() -> None:
    arguments = effective({"threads": 4, "fail_fast": True}, {"threads": 1})
    assert (arguments.values["threads"], arguments.sources["threads"]) == (1, "command line")
    assert (arguments.values["fail_fast"], arguments.sources["fail_fast"]) == (True, "recorded")


def test_folders_are_those_of_this_command() -> None:
    arguments = effective({"target_path": "old", "project_dir": "/gone"}, {}, {"project_dir": "/here", "threads": 9})
    assert arguments.values == {"which": "build", "project_dir": "/here"}


@given(st.dictionaries(st.sampled_from(sorted(filter(of_this_command, TREATMENT))), st.text()))
def test_no_recorded_folder_survives(recorded: dict[str, str]) -> None:
    assert effective(recorded, {}).values == {"which": "build"}


VARS = st.dictionaries(st.text(max_size=3), st.none() | st.integers() | st.text(), max_size=4)


@given(VARS, VARS)
def test_vars_are_merged(recorded: dict[str, Any], now: dict[str, Any]) -> None:
    merged = effective({"vars": recorded}, {"vars": now}).values["vars"]
    assert merged.keys() == recorded.keys() | now.keys()
    assert all(merged[name] == now.get(name, recorded.get(name)) for name in merged if name in now)
    assert all(merged[name] == recorded[name] for name in recorded.keys() - now.keys())


@given(VARS, VARS)
def test_vars_are_replaced_on_demand(recorded: dict[str, Any], now: dict[str, Any]) -> None:
    assert effective({"vars": recorded}, {"vars": now}, replace_vars=True).values["vars"] == now


@pytest.mark.parametrize(
    ("recorded", "now"), [("warn_error", "warn_error_options"), ("warn_error_options", "warn_error")]
)
def test_the_newer_of_two_exclusive_options_wins(recorded: str, now: str) -> None:
    values = effective({recorded: True}, {now: True}).values
    assert now in values
    assert recorded not in values


def test_state_names_the_results_to_retry_and_not_the_state_to_compare_with() -> None:
    assert effective({"state": "recorded"}, {"state": "now"}).values["state"] == "recorded"


def test_an_option_that_the_command_has_not_is_refused() -> None:
    with pytest.raises(RetryRefusedError, match=r"`dbt build`, the command to retry, has no option --full-refresh"):
        effective({}, {"full_refresh": True})


@pytest.mark.parametrize(
    ("recorded", "now"),
    [
        ("/pod/shop/state/prod", "state/prod"),
        ("/pod/shop", "."),
        ("/mnt/state", "/mnt/state"),
        ("/pod/shop2/state", "/pod/shop2/state"),
        ("state/prod", "state/prod"),
        (None, None),
    ],
)
def test_a_path_inside_the_project_moves_with_it(recorded: str | None, now: str | None) -> None:
    recorded_arguments = {"project_dir": "/pod/shop", "defer_state": recorded}
    arguments = effective(recorded_arguments, {}, {"project_dir": "/laptop/shop"})
    assert (arguments.values["defer_state"], arguments.values["project_dir"]) == (now, "/laptop/shop")
