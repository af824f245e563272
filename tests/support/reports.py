"""Reports of any size for tests, with every fate that a node can meet."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from importlib.resources import files
from typing import Any

import jsonschema

from dbt_retry_plus.types import (
    Attempt,
    EffectiveArguments,
    Finding,
    ReportedLink,
    ReportedNode,
    RetryReport,
)
from dbt_retry_plus.words import Fate, Reason, Severity, Verdict

NOW = datetime(2026, 1, 2, 12, tzinfo=timezone.utc)
RETRY, BUILD = "5e6f7a8b-1234", "4f3a91c0-1234"

_KINDS = (
    (Fate.RECOVERED, "error", "success", Reason.FAILED),
    (Fate.REBUILT, "success", "success", Reason.DOWNSTREAM),
    (Fate.STILL_FAILING, "error", "error", Reason.FAILED),
    (Fate.NEWLY_FAILING, "skipped", "fail", Reason.SKIPPED),
    (Fate.INTERRUPTED, "not started", "interrupted", Reason.NOT_STARTED),
    (Fate.NEVER_ATTEMPTED, "skipped", "skipped", Reason.SKIPPED),
    (Fate.LEFT_OUT, "error", "error", None),
    (Fate.PROVEN_BEFORE, "success", "success", None),
)
_ATTEMPTED = frozenset({Fate.RECOVERED, Fate.REBUILT, Fate.STILL_FAILING, Fate.NEWLY_FAILING, Fate.INTERRUPTED})


def node(number: int = 0, name: str | None = None, **changes: Any) -> ReportedNode:
    """A node whose fate follows from its number."""
    fate, before, after, reason = _KINDS[number % len(_KINDS)]
    began = NOW + timedelta(seconds=number // 4)
    attempt = Attempt(
        status=after,
        message=f"Database Error in model m{number}\n  there is no such table\n  line 3" if after == "error" else None,
        execution_time=0.9,
        thread=f"Thread-{number % 4 + 1} (worker)",
        started_at=began,
        completed_at=began + timedelta(seconds=0.9),
    )
    values: dict[str, Any] = {
        "fate": fate,
        "status": after,
        "previous_status": before,
        "previous_message": f"what was wrong with m{number}" if before == "error" else None,
        "previous_execution_time": 2.0,
        "reason": reason,
        "attempts": (attempt,) if fate in _ATTEMPTED else (),
        "parents": tuple(f"model.shop.m{parent}" for parent in sorted({number // 2, number // 3}) if parent < number),
        "compiled_path": f"target/compiled/shop/models/m{number}.sql" if fate in _ATTEMPTED else None,
    }
    return ReportedNode(name or f"model.shop.m{number}", **{**values, **changes})


def report(*nodes: ReportedNode, **changes: Any) -> RetryReport:
    values: dict[str, Any] = {
        "verdict": Verdict.STILL_FAILING,
        "invocation_id": RETRY,
        "chain": (ReportedLink(BUILD, NOW - timedelta(hours=3), 50.0, False),),
        "arguments": EffectiveArguments("build", {"vars": {"color": "red"}}, {"vars": "merged"}),
        "findings": (Finding(Severity.WARNING, "not-recorded", "It is not recorded.", "Record it."),),
        "nodes": nodes,
        "started_at": NOW,
        "duration": 12.0,
        "seconds_saved": 80.0,
        "dbt_version": "1.11.16",
        "project": "shop",
        "profile": "shop",
        "target": "dev",
    }
    return RetryReport(**{**values, **changes})


def report_of(number: int, **changes: Any) -> RetryReport:
    return report(*(node(n) for n in range(number)), **changes)


def schema(*, closed: bool = True) -> dict[str, Any]:
    """The schema of reports; closed, it allows nothing that it does not name."""
    found: dict[str, Any] = json.loads(files("dbt_retry_plus.reporting").joinpath("report.schema.json").read_text())
    return closed_schema(found) if closed else found


def validate(document: Any, *, closed: bool = True) -> None:
    jsonschema.validate(document, schema(closed=closed), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


def closed_schema(value: Any) -> Any:
    """A schema that allows nothing that it does not name."""
    if isinstance(value, list):
        return [closed_schema(item) for item in value]
    if not isinstance(value, dict):
        return value
    inner = {name: closed_schema(item) for name, item in value.items()}
    return {"additionalProperties": False, **inner} if isinstance(value.get("properties"), dict) else inner
