"""A report as the JSON document that the ledger keeps and `--format json` prints, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import NoneType
from typing import Any, Final

from dbt_retry_plus.commands import COMMAND_NAMES
from dbt_retry_plus.ledger.run_results import parse_time
from dbt_retry_plus.reporting.plan import arguments_document, finding_document
from dbt_retry_plus.types import (
    Attempt,
    EffectiveArguments,
    Finding,
    ReportedLink,
    ReportedNode,
    RetryReport,
)
from dbt_retry_plus.words import ErrorClass, Fate, Reason, Severity, Verdict

SCHEMA: Final = "dbt-retry-plus/report/v1"

_COMMANDS = {name: command for command, name in COMMAND_NAMES.items()}
_TEXTS = frozenset({str})
_WITHOUT_MEMBERS = frozenset({bool, float, int, NoneType})
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

# Of a message, its beginning and its end; of all messages of a report, so much that any reader can open it.
_LONGEST_MESSAGE = 20_000
_ALL_MESSAGES = 20_000_000
_SHORTEST_MESSAGE = 1_000


def report_document(report: RetryReport) -> dict[str, Any]:
    """Make the document of a report; `report.schema.json` beside this file describes it.

    Args:
        report: The report.
    """
    return {
        "schema": SCHEMA,
        "verdict": report.verdict.value,
        "message": report.message,
        "invocation": {
            "invocation_id": report.invocation_id,
            "started_at": _text_of(report.started_at),
            "duration": report.duration,
            "dbt_version": report.dbt_version,
            "project": report.project,
            "profile": report.profile,
            "target": report.target,
        },
        "command": COMMAND_NAMES.get(report.arguments.command, report.arguments.command),
        "chain": [
            {
                "invocation_id": link.invocation_id,
                "started_at": _text_of(link.started_at),
                "duration": link.duration,
                "succeeded": link.succeeded,
            }
            for link in report.chain
        ],
        "arguments": arguments_document(report.arguments),
        "findings": [finding_document(finding) for finding in report.findings],
        "counts": {fate.value: number for fate, number in report.counts.items()},
        "seconds_saved": round(report.seconds_saved, 3),
        "nodes": [_node_document(node) for node in report.nodes],
    }


def report_from(document: Mapping[str, Any]) -> RetryReport:
    """Make of a document the report that it is of.

    Args:
        document: What `report_document` made, or what JSON made of that.

    Raises:
        KeyError: A field is missing.
        TypeError: A field is of another kind.
        ValueError: It is no report, or of another version.
    """
    if document["schema"] != SCHEMA:
        raise ValueError(f"{document['schema']!r} is not {SCHEMA!r}")
    invocation, arguments = document["invocation"], document["arguments"]
    return RetryReport(
        verdict=Verdict(document["verdict"]),
        invocation_id=invocation["invocation_id"],
        chain=tuple(
            ReportedLink(**{**link, "started_at": parse_time(link["started_at"])}) for link in document["chain"]
        ),
        arguments=EffectiveArguments(
            _COMMANDS.get(document["command"], document["command"]),
            {name: argument["value"] for name, argument in arguments.items()},
            {name: argument["source"] for name, argument in arguments.items()},
        ),
        message=document["message"],
        findings=tuple(
            Finding(**{**finding, "severity": Severity(finding["severity"])}) for finding in document["findings"]
        ),
        nodes=tuple(_node_from(node) for node in document["nodes"]),
        started_at=parse_time(invocation["started_at"]),
        duration=invocation["duration"],
        seconds_saved=document["seconds_saved"],
        dbt_version=invocation["dbt_version"],
        project=invocation["project"],
        profile=invocation["profile"],
        target=invocation["target"],
    )


def storable(document: Mapping[str, Any]) -> dict[str, Any]:
    """Make of a document one that every reader of JSON takes: no half of a character, and no message without end.

    Args:
        document: The document of a report; secrets are struck out of it already, since half of one would stay.
    """
    result: dict[str, Any] = _storable(document, _longest_message(document))
    return result


def is_storable(document: dict[str, Any]) -> bool:
    """Tell whether all of a report's document is plain JSON already, and `storable` would leave it as it is."""
    longest = _longest_message(document)
    nodes = document["nodes"]  # their own keys are ours
    rest = {**document, "nodes": []}
    return _stays(rest, longest) and all(_all_stay(node.values(), longest) for node in nodes)


def shortened(text: str, longest: int) -> str:
    """Cut a text in its middle, where it says least, and say how much is missing."""
    if len(text) <= longest:
        return text
    head, tail = longest * 3 // 4, longest // 4
    return f"{text[:head]}\n… {len(text) - head - tail:,} characters are left out …\n{text[-tail:]}"


def _longest_message(document: Mapping[str, Any]) -> int:
    messages = sum(1 + len(node["attempts"]) for node in document["nodes"])
    return max(_SHORTEST_MESSAGE, min(_LONGEST_MESSAGE, _ALL_MESSAGES // max(messages, 1)))


def _node_document(node: ReportedNode) -> dict[str, Any]:
    return {
        "unique_id": node.unique_id,
        "resource_type": node.resource_type,
        "fate": node.fate.value,
        "status": node.status,
        "previous": {
            "status": node.previous_status,
            "message": node.previous_message,
            "execution_time": node.previous_execution_time,
        },
        "reason": node.reason.value if node.reason else None,
        "cause": node.cause,
        "attempts": [
            {
                "status": attempt.status,
                "message": attempt.message,
                "execution_time": attempt.execution_time,
                "thread": attempt.thread,
                "started_at": _text_of(attempt.started_at),
                "completed_at": _text_of(attempt.completed_at),
                "error_class": attempt.error_class.value if attempt.error_class else None,
                "batch": attempt.batch,
            }
            for attempt in node.attempts
        ],
        "parents": list(node.parents),
        "compiled_path": node.compiled_path,
        "flaky_before": node.flaky_before,
    }


def _node_from(document: Mapping[str, Any]) -> ReportedNode:
    previous, reason = document["previous"], document["reason"]
    return ReportedNode(
        unique_id=document["unique_id"],
        fate=Fate(document["fate"]),
        status=document["status"],
        previous_status=previous["status"],
        previous_message=previous["message"],
        previous_execution_time=previous["execution_time"],
        reason=Reason(reason) if reason is not None else None,
        cause=document["cause"],
        attempts=tuple(
            Attempt(
                **{
                    **attempt,
                    "started_at": parse_time(attempt["started_at"]),
                    "completed_at": parse_time(attempt["completed_at"]),
                    "error_class": ErrorClass(attempt["error_class"]) if attempt.get("error_class") else None,
                }
            )
            for attempt in document["attempts"]
        ),
        parents=tuple(document["parents"]),
        compiled_path=document["compiled_path"],
        flaky_before=document.get("flaky_before", 0),
    )


def _text_of(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _storable(value: Any, longest: int) -> Any:
    if _stays(value, longest):
        return value
    if isinstance(value, str):
        text = shortened(value, longest)
        return text if text.isascii() else _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    if isinstance(value, Mapping):
        return {_storable(str(name), longest): _storable(item, longest) for name, item in value.items()}
    return [_storable(item, longest) for item in value] if isinstance(value, (list, tuple)) else value


def _stays(value: Any, longest: int) -> bool:
    """Whether a value is JSON's and can be stored as it is, with all in it."""
    kind = type(value)
    if kind is dict:
        names = _TEXTS.issuperset(map(type, value)) and _all_stay(value, longest)
        return names and _all_stay(value.values(), longest)
    return _all_stay(value if kind is list else (value,), longest)


def _all_stay(members: Iterable[Any], longest: int) -> bool:
    """Whether all members can; nearly every node's can, and each has a dozen."""
    for member in members:
        kind = type(member)
        if kind is str:
            if len(member) > longest or not member.isascii():
                return False
        elif kind is dict or kind is list:
            if member and not _stays(member, longest):
                return False
        elif kind not in _WITHOUT_MEMBERS:
            return False
    return True
