"""Reports for a terminal, and for dbt's log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.reporting.plain_text import plain, plain_line
from dbt_retry_plus.reporting.sentences import (
    how_flaky,
    resumed_from,
    was_and_is,
    what_failed,
    what_was_done,
    why,
    word_of,
)
from dbt_retry_plus.texts import counted, in_short
from dbt_retry_plus.types import ReportedNode, ReportFormat, RetryReport
from dbt_retry_plus.words import UNPROVEN_FATES, Fate

_MOST_NODES = 50
_MOST_LINES, _LONGEST_LINE = 5, 200


def render(report: RetryReport) -> str:
    """Render a report as lines of text."""
    return "\n".join(_lines(report)) + "\n"


@hookimpl
def retry_plus_report_formats() -> Iterable[ReportFormat]:
    """Add this format."""
    return [ReportFormat("text", ".txt", render)]


def _lines(report: RetryReport) -> Iterator[str]:
    yield f"Retry {plain_line(report.short_id)}: {word_of(report)}. {plain_line(resumed_from(report))}"
    yield f"  {what_was_done(report)}"
    if report.message:
        yield f"  {plain_line(report.message, 2000)}"
    for finding in report.findings:
        yield f"  {finding.severity.value}: {plain_line(finding.sentence, 1000)} [{plain_line(finding.code)}]"
    for fate in Fate:
        nodes = report.with_fate(fate)
        if nodes and fate is not Fate.PROVEN_BEFORE:
            yield from _group(fate, nodes)


def _group(fate: Fate, nodes: tuple[ReportedNode, ...]) -> Iterator[str]:
    yield f"{fate.value.capitalize()} ({len(nodes)})"
    shown = nodes[:_MOST_NODES]
    names = [plain_line(node.unique_id) for node in shown]
    width = max(map(len, names))
    for name, node in zip(names, shown, strict=True):
        took = f"  {in_short(node.execution_time)}" if node.attempts else ""
        reason = f"  ({plain_line(why(node))})" if node.reason else ""
        flaky = f"  {how_flaky(node)}" if node.flaky else ""
        yield f"  {name.ljust(width)}  {plain_line(was_and_is(node))}{took}{reason}{flaky}"
        if fate in UNPROVEN_FATES:
            yield from (f"    {line}" for line in first_lines(what_failed(node)))
    if len(nodes) > len(shown):
        yield f"  … and {counted(len(nodes) - len(shown), 'node')} more"


def first_lines(message: str) -> list[str]:
    """Return the first lines of a message, those without anything in them left out."""
    found = [line for line in plain(message, _LONGEST_LINE * 50).splitlines() if line.strip()]
    lines = [line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…" for line in found[:_MOST_LINES]]
    return [line.expandtabs(2) for line in (*lines, *(["…"] if len(found) > _MOST_LINES else []))]
