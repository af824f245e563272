from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.planning.arguments import check_recorded
from dbt_retry_plus.types import Invocation
from dbt_retry_plus.words import STRUCK_OUT

HELD = f"a {STRUCK_OUT} in the middle"


def invocation(**arguments: Any) -> Invocation:
    return Invocation("0123456789", "build", {"which": "build", **arguments}, {}, source="here")


def refusal_of(recorded: dict[str, Any], given_now: dict[str, Any], **options: bool) -> str:
    try:
        check_recorded(invocation(**recorded), given_now, **options)
    except RetryRefusedError as refusal:
        return str(refusal)
    return ""


def test_a_value_that_held_a_secret_is_asked_for() -> None:
    assert refusal_of({"select": [HELD]}, {}) == (
        "The --select of `dbt build` (01234567) held a secret of its environment, which is not recorded. "
        "Give that option again."
    )


@pytest.mark.parametrize("value", [HELD, [HELD], {"deep": [{"er": HELD}]}, {HELD: 1}])
def test_secrets_are_found_however_deep(value: object) -> None:
    assert "The --log-format of" in refusal_of({"log_format": value}, {})
    assert "The --vars (" in refusal_of({"vars": {"name": value}}, {})


def test_an_option_that_is_given_again_is_not_missing() -> None:
    assert not refusal_of({"select": HELD}, {"select": "a+"})


def test_vars_are_merged_so_each_missing_one_has_to_be_given() -> None:
    recorded = {"vars": {"user": "me", "password": HELD, "token": HELD}}
    assert "The --vars (password, token) of" in refusal_of(recorded, {})
    assert "The --vars (password, token) of" in refusal_of(recorded, {"vars": {"user": "you"}})
    assert "The --vars (token) of" in refusal_of(recorded, {"vars": {"password": "new"}})
    assert not refusal_of(recorded, {"vars": {"password": "new", "token": "new"}})


def test_vars_that_are_replaced_are_given_as_a_whole() -> None:
    assert not refusal_of({"vars": {"password": HELD}}, {"vars": {"user": "you"}}, replace_vars=True)
    assert "The --vars of" in refusal_of({"vars": {"password": HELD}}, {}, replace_vars=True)


def test_what_was_typed_is_never_read_and_may_hold_a_secret() -> None:
    assert not refusal_of({"invocation_command": f"dbt build --vars {HELD}"}, {})


@given(st.dictionaries(st.sampled_from(["select", "threads", "vars", "args"]), st.text() | st.integers() | st.none()))
def test_what_holds_no_secret_is_accepted(recorded: dict[str, Any]) -> None:
    assert bool(refusal_of(recorded, {})) == any(STRUCK_OUT in str(value) for value in recorded.values())


@given(st.dictionaries(st.text("ab"), st.sampled_from([HELD, "plain"])), st.dictionaries(st.text("ab"), st.text("xy")))
def test_no_struck_out_var_is_ever_run_with(recorded: dict[str, str], now: dict[str, str]) -> None:
    merged = {**recorded, **now}
    assert bool(refusal_of({"vars": recorded}, {"vars": now})) == any(STRUCK_OUT in v for v in merged.values())
