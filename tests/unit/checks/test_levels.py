"""What settings and `--force` make of findings."""

from __future__ import annotations

import pytest

from dbt_retry_plus.checks.levels import check_codes, settled, stop_on_errors
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.types import Finding
from dbt_retry_plus.words import CheckLevel, Severity

PASSABLE = Finding(Severity.ERROR, "record-too-old", "It is old.", "Look.", passable=True)
FIRM = Finding(Severity.ERROR, "still-running", "It runs.", "Wait.")
WARNING = Finding(Severity.WARNING, "node-gone", "It is gone.", "Look.")


def levels(findings: list[Finding], force: bool = False, **settings: str) -> dict[str, str]:
    by_code = {code.replace("_", "-"): CheckLevel(level) for code, level in settings.items()}
    return {f.code: f.severity.value for f in settled(findings, by_code, force=force)}


def test_settings_raise_lower_and_silence() -> None:
    found = levels([PASSABLE, FIRM, WARNING], node_gone="error", record_too_old="warning", still_running="ignore")
    assert found == {"record-too-old": "warning", "node-gone": "error"}


def test_force_passes_what_can_be_passed() -> None:
    assert levels([PASSABLE, FIRM, WARNING], force=True) == {
        "record-too-old": "warning",
        "still-running": "error",
        "node-gone": "warning",
    }


def test_a_warning_that_settings_raise_is_not_passed() -> None:
    assert levels([WARNING], force=True, node_gone="error") == {"node-gone": "error"}


def test_errors_stop_with_all_that_they_say() -> None:
    stop_on_errors([WARNING])
    with pytest.raises(RetryRefusedError) as refusal:
        stop_on_errors([PASSABLE, WARNING, FIRM])
    assert str(refusal.value) == "It is old. Look. [record-too-old] It runs. Wait. [still-running]"


def test_a_code_that_does_not_exist_is_refused_and_a_plugins_is_not() -> None:
    check_codes({"node-gone": CheckLevel.IGNORE, "freeze/window": CheckLevel.IGNORE})
    with pytest.raises(RetryRefusedError, match=r"names the check 'node-gon', which does not exist\. Did you mean 'no"):
        check_codes({"node-gon": CheckLevel.IGNORE})
