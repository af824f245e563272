"""Handing a report to the plugins, and to wherever it was asked for; what goes wrong with that is a warning."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from dbt_retry_plus.checks.levels import settled
from dbt_retry_plus.dbtcore.events import log_info, log_warning, painted
from dbt_retry_plus.execution.announce import log_findings
from dbt_retry_plus.ledger.flaky import flaky_recoveries
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.plugin_manager import Plugins
from dbt_retry_plus.recording.lines import Lines
from dbt_retry_plus.reporting import text
from dbt_retry_plus.reporting.document import is_storable, report_document, report_from, storable
from dbt_retry_plus.reporting.outputs import (
    GITHUB_SUMMARY,
    ReportOutput,
    github_summary,
    rendered,
    report_formats,
    wanted_output,
    write_report,
)
from dbt_retry_plus.settings import Settings
from dbt_retry_plus.texts import printable
from dbt_retry_plus.types import Invocation, RetryReport

_NAMES = frozenset({"schema", "verdict", "command", "arguments", "counts"})


def wanted_reports(wanted: Sequence[str], plugins: Plugins, target_path: Path) -> tuple[ReportOutput, ...]:
    """Return the reports that a command writes.

    Args:
        wanted: What was given as `--report`.
        plugins: The plugins, which have the formats.
        target_path: Where a report goes whose path is not given.

    Raises:
        RetryRefusedError: There is no such format, or nothing can be written there.
    """
    if not (wanted or os.environ.get(GITHUB_SUMMARY)):
        return ()
    formats, findings = report_formats(plugins)
    log_findings(findings)
    named = (wanted_output(text, formats, target_path, Path.cwd()) for text in wanted)
    return (*named, *github_summary(formats, os.environ))


def guarded(give: Callable[..., object], *arguments: Any) -> None:
    """Call, and warn of whatever that raises: what the command came to stands."""
    try:
        give(*arguments)
    except Exception as error:  # whatever it is
        log_warning(f"dbt-retry-plus could not report on this command: {type(error).__name__}: {error}")


def with_flaky_history(report: RetryReport, ledger: LocalLedger, invocation: Invocation) -> RetryReport:
    """Add to a report how often its flaky nodes have been so of late.

    Args:
        report: The report.
        ledger: Where earlier invocations are recorded.
        invocation: The one that the report is of.
    """
    before = flaky_recoveries(ledger, invocation, datetime.now(timezone.utc))
    if not before:
        return report
    nodes = (replace(node, flaky_before=before.get(node.unique_id, 0)) for node in report.nodes)
    return replace(report, nodes=tuple(nodes))


def without_secrets(report: RetryReport) -> tuple[RetryReport, dict[str, Any]]:
    """Return a report and its document without secrets, and with nothing that JSON lacks."""
    lines = Lines(os.environ)
    values = lines.without_secrets({"arguments": report.arguments.values})["arguments"]
    report = replace(report, arguments=replace(report.arguments, values=values))
    made = report_document(report)
    if not lines.secrets_known and is_storable(made):
        return replace(report_from({**made, "nodes": []}), nodes=report.nodes), made
    document = storable(lines.without_secrets(made, _NAMES))
    return report_from(document), document


def hand_out(report: RetryReport, plugins: Plugins, settings: Settings, outputs: Iterable[ReportOutput]) -> None:
    """Give a report to the plugins, then write it wherever it was asked for.

    Args:
        report: The report, without secrets.
        plugins: The plugins.
        settings: What is to be made of plugins that fail.
        outputs: What was asked for.
    """
    log_findings(settled(plugins.observe("retry_plus_report", report=report), settings.checks, force=False))
    for output in outputs:
        guarded(_write, report, output)


def _write(report: RetryReport, output: ReportOutput) -> None:
    if output.path is not None:
        write_report(rendered(report, output.format), output.path, appended=output.appended)
    elif output.format.render is text.render:
        for line in text.painted(report, painted).splitlines():
            log_info(line)
    else:
        for line in rendered(report, output.format).splitlines():
            log_info(printable(line))
