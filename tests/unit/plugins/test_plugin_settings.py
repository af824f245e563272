"""What `plugins` in the settings gives plugins is what they say that it may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.plugin_manager import load_plugins
from dbt_retry_plus.plugin_settings import with_plugin_settings
from dbt_retry_plus.settings import read_settings
from dbt_retry_plus.types import Finding

HOOKS = """
from datetime import time
from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.types import PluginSettings

@hookimpl
def retry_plus_settings():
    kinds = {"freeze": dict, "most": int, "share": float, "open": bool, "channel": str, "begins": time.fromisoformat}
    return [PluginSettings("night-shift", kinds, {"channel": "#data", "most": 3})]
"""


def read(folder: Path, settings: str, hooks: str = HOOKS) -> tuple[Any, tuple[Finding, ...]]:
    (folder / "hooks.py").write_text(hooks)
    (folder / "dbt_retry_plus.yml").write_text(f"hooks: hooks.py\n{settings}")
    found = read_settings(folder, {})
    settled, findings = with_plugin_settings(found, load_plugins(found, folder), folder)
    return settled.plugins, findings


def test_what_is_given_is_checked_and_what_is_not_has_its_default(tmp_path: Path) -> None:
    given = "plugins:\n  night-shift: {most: 1, share: 2, open: true, begins: '08:00'}\n  other: {most: many}\n"
    values, findings = read(tmp_path, given)
    assert values["night-shift"].pop("begins").hour == 8
    assert values == {
        "night-shift": {"channel": "#data", "most": 1, "share": 2, "open": True},
        "other": {"most": "many"},
    }
    assert findings == ()


def test_a_plugin_that_is_given_nothing_has_its_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, "")[0] == {"night-shift": {"channel": "#data", "most": 3}}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "{mots: 1}",
            "line 3, plugins.night-shift.mots is no setting of the plugin 'night-shift'. Did you mean 'most'?",
        ),
        (
            "{most: true}",
            "line 3, plugins.night-shift.most is given the value True, which is no whole number. Mend it.",
        ),
        ("{most: 1.5}", "is given the value 1.5, which is no whole number"),
        ("{share: lots}", "which is no number"),
        ("{open: 1}", "which is no true or false"),
        ("{channel: [1]}", "which is no text"),
        ("{freeze: never}", "which is no mapping"),
        ("{begins: noon}", "plugins.night-shift.begins is given the value 'noon', which is refused: Invalid isoformat"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, given: str, said: str) -> None:
    with pytest.raises(RetryRefusedError) as refused:
        read(tmp_path, f"plugins:\n  night-shift: {given}\n")
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"'{tmp_path}/dbt_retry_plus.yml', line 3,")


def test_a_name_that_is_almost_that_of_a_plugin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        RetryRefusedError, match=r"line 3, plugins\.nightshift names no plugin\. Did you mean 'night-shift'"
    ):
        read(tmp_path, "plugins:\n  nightshift: {freeze: {}}\n")


def test_a_plugin_that_fails_to_say_is_reported(tmp_path: Path) -> None:
    broken = HOOKS[: HOOKS.index("    kinds")] + "    return 1 / 0\n"
    values, (finding,) = read(tmp_path, "plugins: {night-shift: {most: 1}}\n", broken)
    assert values == {"night-shift": {"most": 1}}
    assert "ZeroDivisionError" in finding.message
