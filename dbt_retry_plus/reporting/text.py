"""Reports for a terminal, and for dbt's log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import MappingProxyType

from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.reporting.plain_text import plain, plain_line
from dbt_retry_plus.reporting.sentences import (
    GREEN,
    how_flaky,
    resumed_from,
    subject_of,
    was_and_is,
    what_failed,
    what_was_done,
    why,
    word_of,
)
from dbt_retry_plus.texts import counted, in_short
from dbt_retry_plus.types import ReportedNode, ReportFormat, RetryReport
from dbt_retry_plus.words import QUIET_FATES, UNPROVEN_FATES, Fate, Severity, Tone

Paint = Callable[[str, Tone], str]
"""Gives a text the colour of a tone."""

_MOST_NODES = 50
_MOST_LINES, _LONGEST_LINE = 5, 200
_TONES = MappingProxyType(
    {
        Fate.RECOVERED: Tone.GOOD,
        Fate.REBUILT: Tone.GOOD,
        Fate.STILL_FAILING: Tone.BAD,
        Fate.NEWLY_FAILING: Tone.BAD,
        Fate.FAILED: Tone.BAD,
    }
)


def render(report: RetryReport) -> str:
    """Render a report as lines of text."""
    return painted(report, lambda text, _: text)


def painted(report: RetryReport, paint: Paint) -> str:
    """Render a report as lines of text with colours.

    Args:
        report: The report; nothing that it holds is taken for a colour.
        paint: Gives a text the colour of a tone.
    """
    return "\n".join(_lines(report, paint)) + "\n"


@hookimpl
def retry_plus_report_formats() -> Iterable[ReportFormat]:
    """Add this format."""
    return [ReportFormat("text", ".txt", render)]


def _lines(report: RetryReport, paint: Paint) -> Iterator[str]:
    verdict = paint(word_of(report), Tone.GOOD if report.verdict in GREEN else Tone.BAD)
    yield f"{subject_of(report)} {plain_line(report.short_id)}: {verdict}. {plain_line(resumed_from(report))}"
    yield f"  {what_was_done(report)}"
    if report.message:
        yield f"  {plain_line(report.message, 2000)}"
    for finding in report.findings:
        severity = paint(finding.severity.value, Tone.BAD if finding.severity is Severity.ERROR else Tone.WARNING)
        yield f"  {severity}: {plain_line(finding.sentence, 1000)} [{plain_line(finding.code)}]"
    for fate in Fate:
        nodes = report.with_fate(fate)
        if nodes and fate not in QUIET_FATES:
            yield from _group(fate, nodes, paint)


def _group(fate: Fate, nodes: tuple[ReportedNode, ...], paint: Paint) -> Iterator[str]:
    yield paint(f"{fate.value.capitalize()} ({len(nodes)})", _TONES.get(fate, Tone.WARNING))
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
