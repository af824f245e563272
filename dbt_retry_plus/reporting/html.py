"""Reports for a browser: one file that needs no network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.reporting.drawing import graph_of, timeline_of
from dbt_retry_plus.reporting.plain_text import plain, plain_line
from dbt_retry_plus.reporting.sentences import (
    GREEN,
    VERDICTS,
    command_of,
    how_flaky,
    resumed_from,
    subject_of,
    was_and_is,
    what_failed,
    what_was_done,
    why,
    word_of,
)
from dbt_retry_plus.texts import in_short
from dbt_retry_plus.types import ReportFormat, RetryReport
from dbt_retry_plus.words import Fate

# Of a message as much as a browser shows at once, and of all of them as much as it opens quickly.
_LONGEST_MESSAGE, _SHORTEST_MESSAGE, _ALL_MESSAGES = 10_000, 300, 4_000_000
_SHOWN_NAME = 28

_SIGNS = {
    Fate.RECOVERED: "✓",
    Fate.REBUILT: "↻",
    Fate.SUCCEEDED: "✓",
    Fate.STILL_FAILING: "✗",
    Fate.NEWLY_FAILING: "✗",
    Fate.FAILED: "✗",
    Fate.INTERRUPTED: "‖",
    Fate.NEVER_ATTEMPTED: "○",
    Fate.LEFT_OUT: "–",
    Fate.PROVEN_BEFORE: "·",
}


def render(report: RetryReport) -> str:
    """Render a report as one HTML document, with its style and script inside."""
    import jinja2  # takes longer to import than most commands do

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("dbt_retry_plus.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    longest = max(_SHORTEST_MESSAGE, min(_LONGEST_MESSAGE, _ALL_MESSAGES // max(len(report.nodes), 1)))
    environment.filters.update(
        line=plain_line,
        message=lambda text: plain(text, longest),
        shown=_shown,
        in_short=in_short,
        time=_time,
        was_and_is=was_and_is,
        why=why,
        how_flaky=how_flaky,
        what_failed=what_failed,
        sign=_SIGNS.__getitem__,
        slug=lambda fate: fate.value.replace(" ", "-"),
    )
    script = _source(environment, "report.js")
    return environment.get_template("report.html.j2").render(
        report=report,
        green=report.verdict in GREEN,
        verdict=VERDICTS[report.verdict],
        word=word_of(report),
        subject=subject_of(report),
        command=command_of(report),
        resumed=resumed_from(report),
        done=what_was_done(report),
        graph=graph_of(report),
        timeline=timeline_of(report),
        rows={node.unique_id: number for number, node in enumerate(report.nodes)},
        style=_source(environment, "report.css"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


@hookimpl
def retry_plus_report_formats() -> Iterable[ReportFormat]:
    """Add this format."""
    return [ReportFormat("html", ".html", render)]


def _source(environment: Any, name: str) -> Any:
    from markupsafe import Markup

    source = environment.loader.get_source(environment, name)[0]
    return Markup(source)  # noqa: S704 - a file of this package


def _shown(name: str) -> str:
    """The end of a long name tells more than its beginning."""
    line = plain_line(name)
    return line if len(line) <= _SHOWN_NAME else f"…{line[1 - _SHOWN_NAME :]}"


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "unknown"
