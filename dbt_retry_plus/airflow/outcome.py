"""What became of one try of a task, from what dbt's processes told. No Airflow."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dbt_retry_plus.airflow.task import Found
from dbt_retry_plus.words import FOUND_SCHEMA, UNPROVEN_FATES, Fate, Verdict

_LONGEST = 600
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_UNPROVEN = tuple(fate.value for fate in Fate if fate in UNPROVEN_FATES or fate is Fate.LEFT_OUT)


@dataclass(frozen=True)
class Outcome:
    """What became of one try.

    Attributes:
        exit_code: dbt's, which alone says whether all is proven; negative where a signal ended dbt.
        resumed: The invocation that it resumed.
        invocation: Its invocation as `dbt-retry-plus history` tells it; None where dbt came to record none.
        report: The report of a resumption; None where there is none.
        reports: The reports that were asked for besides.
        last_line: What dbt said last.
    """

    exit_code: int
    resumed: str | None = None
    invocation: Mapping[str, Any] | None = None
    report: Mapping[str, Any] | None = None
    reports: tuple[str, ...] = ()
    last_line: str = ""

    @property
    def verdict(self) -> str | None:
        """The verdict of the report."""
        verdict = self.report.get("verdict") if self.report else None
        return verdict if isinstance(verdict, str) else None

    @property
    def document(self) -> dict[str, Any]:
        """All of it for XCom, in JSON's values."""
        invocation, report = self.invocation or {}, self.report or {}
        return {
            "exit_code": self.exit_code,
            "invocation_id": invocation.get("invocation_id"),
            "resumed": self.resumed,
            "result": invocation.get("result"),
            "counts": dict(invocation.get("counts") or {}),
            "verdict": self.verdict,
            "fates": {fate: number for fate, number in dict(report.get("counts") or {}).items() if number},
            "seconds_saved": report.get("seconds_saved"),
            "reports": list(self.reports),
        }


def retry_will_not_help(outcome: Outcome) -> bool:
    """Whether all that failed did so for good."""
    return outcome.exit_code != 0 and outcome.verdict == Verdict.RETRY_WILL_NOT_HELP.value


def failure_of(outcome: Outcome) -> str:
    """Say in a sentence what ended a try; Airflow shows it."""
    code = outcome.exit_code
    ended = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    said = f"dbt {ended}"
    if outcome.verdict:
        said += f", {outcome.verdict.replace('_', ' ')}"
    counts = outcome.document["fates"]
    unproven = [f"{counts[fate]} {fate}" for fate in _UNPROVEN if counts.get(fate)]
    message = (outcome.report or {}).get("message")
    detail = message or ", ".join(unproven) or _COLOUR.sub("", outcome.last_line)
    return f"{said}: {str(detail)[:_LONGEST]}" if detail else f"{said}."


def found_from(told: str) -> Found | None:
    """Read what `dbt retry-plus find --output json` has written: what is on record, or that nothing is.

    Raises:
        ValueError: It is nothing of the kind: dbt could not tell.
    """
    document = _last_document(told)
    if document.get("schema") != FOUND_SCHEMA:
        raise ValueError(f"{told!r} is not {FOUND_SCHEMA!r}")
    identity, result = document.get("invocation_id"), document.get("result")
    return Found(str(identity), str(result)) if identity is not None else None


def newest_since(told: str, began: float) -> Mapping[str, Any] | None:
    """Read the newest invocation that `dbt-retry-plus history --output json` lists.

    Args:
        told: What it has written.
        began: When this try started dbt (seconds since 1970): what is older is of another try.
    """
    try:
        newest: Mapping[str, Any] = json.loads(told)["invocations"][0]
        started = datetime.fromisoformat(newest["started_at"].replace("Z", "+00:00"))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None
    return newest if started.timestamp() >= began else None


def _last_document(told: str) -> Mapping[str, Any]:
    for line in reversed(told.splitlines()):
        try:
            document = json.loads(line)
        except ValueError:
            continue
        if isinstance(document, dict):
            return document
    return {}
