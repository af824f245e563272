"""The sentences that all formats have in common."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dbt_retry_plus.commands import COMMAND_NAMES
from dbt_retry_plus.texts import counted, in_short
from dbt_retry_plus.types import ReportedNode, RetryReport
from dbt_retry_plus.words import PROVEN_STATUSES, Fate, Verdict

VERDICTS: Mapping[Verdict, str] = MappingProxyType(
    {
        Verdict.RECOVERED: "All nodes are proven.",
        Verdict.SUCCEEDED: "All nodes are proven.",
        Verdict.NOTHING_TO_RETRY: "There was nothing to retry: all nodes were proven.",
        Verdict.INCOMPLETE: "Nodes were left out of the retry, and are not proven.",
        Verdict.STILL_FAILING: "Not all nodes are proven.",
        Verdict.RETRY_WILL_NOT_HELP: "Not all nodes are proven, and the errors are such that retrying will not help.",
        Verdict.INTERRUPTED: "It was interrupted: not all nodes are proven.",
        Verdict.REFUSED: "It was refused: nothing was run.",
    }
)

_ORDINALS = MappingProxyType({2: "second time", 3: "third time", 4: "fourth time", 5: "fifth time"})

GREEN = frozenset({Verdict.RECOVERED, Verdict.SUCCEEDED, Verdict.NOTHING_TO_RETRY})
"""The verdicts after which no selected node is unproven."""


def command_of(report: RetryReport) -> str:
    """Return the retried command as a person types it."""
    command = report.arguments.command
    return f"dbt {COMMAND_NAMES.get(command, command)}"


def word_of(report: RetryReport) -> str:
    """Return the verdict as a person says it."""
    return report.verdict.value.replace("_", " ")


def subject_of(report: RetryReport) -> str:
    """Return what the report is of: a retry, or an invocation that retried nothing."""
    return "Retry" if report.chain else "Invocation"


def resumed_from(report: RetryReport) -> str:
    """Say what was retried: ``Resumed from 4f3a91c0 (`dbt build`, 3 h before)``; or what was run, where nothing was."""
    if not report.chain:
        return f"Ran `{command_of(report)}`"
    latest = report.chain[-1]
    age = ""
    if latest.started_at and report.started_at:
        age = f", {in_short((report.started_at - latest.started_at).total_seconds())} before"
    return f"Resumed from {latest.short_id} (`{command_of(report)}`{age})"


def what_was_done(report: RetryReport) -> str:
    """Say how many nodes met which fate, how long that took and what it saved."""
    counts = ", ".join(f"{number} {fate.value}" for fate, number in report.counts.items()) or counted(0, "node")
    took = f"; took {in_short(report.duration)}" if report.duration is not None else ""
    saved = f"; {in_short(report.seconds_saved)} saved" if report.chain else ""
    return f"{counts}{took}{saved}"


def was_and_is(node: ReportedNode) -> str:
    """Say what became of a node: `error → success`; of one that nothing was known of, as what it ended."""
    if node.previous_status is None and node.reason is None:
        return node.status
    return f"{node.previous_status or 'new'} → {node.status}"


def how_flaky(node: ReportedNode) -> str:
    """Say that a node was not proven on its first attempt; empty where that is not so."""
    if not node.flaky:
        return ""
    times = node.flaky_before + 1
    of_late = f"; {_ORDINALS.get(times, f'{times} times')} this week" if times > 1 else ""
    return f"flaky: recovered on attempt {len(node.attempts)}{of_late}"


def why(node: ReportedNode) -> str:
    """Say why a node was in the retry set; empty where it was not."""
    if node.reason is None:
        return ""
    return f"{node.reason.value} ← {node.cause}" if node.cause else node.reason.value


def what_failed(node: ReportedNode) -> str:
    """Return the message of what is wrong with a node now; empty where nothing is, or nothing is known."""
    if node.status in PROVEN_STATUSES or node.fate is Fate.PROVEN_BEFORE:
        return ""
    return node.message or ("" if node.attempts else node.previous_message or "")
