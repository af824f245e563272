"""Reports for places that show Markdown, such as the summary of a step in GitHub Actions."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence

from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.reporting.plain_text import plain, plain_line
from dbt_retry_plus.reporting.sentences import (
    GREEN,
    VERDICTS,
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
from dbt_retry_plus.words import QUIET_FATES, Fate

# GitHub takes 1 MiB for all that a step says.
_MOST_ROWS, _MOST_MESSAGES = 100, 30
_LONGEST_MESSAGE = 4_000

# A reference to a character is never taken for markup: https://spec.commonmark.org/0.31.2/#entity-and-numeric-character-references
_ESCAPED = {ord(character): f"&#{ord(character)};" for character in "\\`*_{}[]()<>#+!|~&@:\"'$^="}
_FATES = tuple(fate for fate in Fate if fate not in QUIET_FATES)


def render(report: RetryReport) -> str:
    """Render a report as GitHub's Markdown, with nothing in it that a name or a message could turn into markup."""
    return "\n".join(_lines(report)) + "\n"


@hookimpl
def retry_plus_report_formats() -> Iterable[ReportFormat]:
    """Add this format."""
    return [ReportFormat("markdown", ".md", render)]


def _lines(report: RetryReport) -> Iterator[str]:
    sign = "✅" if report.verdict in GREEN else "❌"
    yield from ("", f"### {sign} dbt retry-plus: {word_of(report)}", "")
    yield from (f"{VERDICTS[report.verdict]} {_text(resumed_from(report))}: {what_was_done(report)}.", "")
    if report.message:
        yield from (_preformatted(report.message), "")
    for finding in report.findings:
        yield f"- {finding.severity.value}: {_text(finding.sentence, 1000)} {_text(f'[{finding.code}]')}"
    if report.findings:
        yield ""
    yield from _table([node for fate in _FATES for node in report.with_fate(fate)])
    failed = [node for node in report.unproven if what_failed(node)]
    for node in failed[:_MOST_MESSAGES]:
        yield f"<details><summary>{_text(node.unique_id)}</summary>"
        yield from ("", _preformatted(what_failed(node)), "", "</details>", "")
    if len(failed) > _MOST_MESSAGES:
        yield from (f"… and {counted(len(failed) - _MOST_MESSAGES, 'message')} more.", "")


def _table(nodes: Sequence[ReportedNode]) -> Iterator[str]:
    if not nodes:
        return
    yield from ("| | Node | Before → after | Time | Reason |", "| --- | --- | --- | ---: | --- |")
    for node in nodes[:_MOST_ROWS]:
        took = in_short(node.execution_time) if node.attempts else ""
        reasons = "; ".join(filter(None, (why(node), how_flaky(node))))
        cells = (node.fate.value, _text(node.unique_id), _text(was_and_is(node)), took, _text(reasons))
        yield f"| {' | '.join(cells)} |"
    yield ""
    if len(nodes) > _MOST_ROWS:
        yield from (f"… and {counted(len(nodes) - _MOST_ROWS, 'node')} more.", "")


def _text(text: str, longest: int = 300) -> str:
    return plain_line(text, longest).translate(_ESCAPED).replace("www.", "www&#46;")


def _preformatted(text: str) -> str:
    # An HTML block of this kind ends where it is closed, and not at an empty line as others do.
    return f"<pre>{html.escape(plain(text, _LONGEST_MESSAGE))}</pre>"
