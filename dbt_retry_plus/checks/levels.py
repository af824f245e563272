"""What settings and `--force` make of findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from dbt_retry_plus.checks.codes import CODES
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.setting_kinds import nearest
from dbt_retry_plus.settings import SETTINGS_FILE
from dbt_retry_plus.types import Finding
from dbt_retry_plus.words import CheckLevel, Severity


class StoppedByFindingsError(RetryRefusedError):
    """A retry that its checks stop, with all that they said."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        """Say what stops the retry."""
        errors = (finding for finding in findings if finding.severity is Severity.ERROR)
        super().__init__(" ".join(f"{finding.sentence} [{finding.code}]" for finding in errors))
        self.findings = tuple(findings)


def check_codes(levels: Mapping[str, CheckLevel]) -> None:
    """Refuse levels for codes that do not exist; those of plugins (`plugin/code`) cannot be known beforehand.

    Args:
        levels: The setting `checks`.

    Raises:
        RetryRefusedError: There is no such code.
    """
    for code in levels:
        if code not in CODES and "/" not in code:
            raise RetryRefusedError(
                f"The setting 'checks' in {SETTINGS_FILE} names the check {code!r}, which does not exist. "
                f"{nearest(code, CODES)}"
            )


def settled(findings: Iterable[Finding], levels: Mapping[str, CheckLevel], *, force: bool) -> tuple[Finding, ...]:
    """Raise, lower and silence findings as settings say; `--force` makes warnings of passable errors.

    Args:
        findings: What the checks said.
        levels: The setting `checks`.
        force: Whether `--force` is given.
    """
    result = []
    for finding in findings:
        level = levels.get(finding.code)
        if level is CheckLevel.IGNORE:
            continue
        severity = finding.severity if level is None else Severity(level.value)
        if force and finding.passable and severity is Severity.ERROR:
            severity = Severity.WARNING
        result.append(replace(finding, severity=severity))
    return tuple(result)


def stop_on_errors(findings: Sequence[Finding]) -> None:
    """Refuse a retry that a finding stops.

    Raises:
        StoppedByFindingsError: At least one of the findings is an error.
    """
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise StoppedByFindingsError(findings)
