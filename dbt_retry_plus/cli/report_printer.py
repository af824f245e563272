"""Printing or writing a report in the format that was asked for, without dbt."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from dbt_retry_plus.cli.options import given, in_colours
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.location import find_project
from dbt_retry_plus.plugin_manager import Plugins, load_plugins, plugins_of_environment
from dbt_retry_plus.reporting import text
from dbt_retry_plus.reporting.document import report_document
from dbt_retry_plus.reporting.outputs import format_named, rendered, report_formats, writable, write_report
from dbt_retry_plus.settings import read_settings
from dbt_retry_plus.types import ReportFormat, RetryReport
from dbt_retry_plus.words import Tone


def format_options() -> list[click.Parameter]:
    """Return the options that say in which format, and where to."""
    return [
        click.Option(
            ["--format", "format_name"],
            default="text",
            show_default=True,
            metavar="FORMAT",
            help="text, json, junit, markdown, html, or a plugin's.",
        ),
        click.Option(["--output-file"], metavar="PATH", help="Write to this file instead of stdout."),
    ]


class ReportPrinter:
    """What the options of a command say of its report."""

    def __init__(self, format_name: str, output_file: str | None) -> None:
        """Find the format, before there is a report.

        Args:
            format_name: `--format`.
            output_file: `--output-file`.

        Raises:
            RetryRefusedError: There is no such format, or nothing can be written there.
        """
        self._format = format_named(format_name, _formats())
        self._path = writable(Path(output_file)) if output_file else None

    def show(self, report: RetryReport) -> dict[str, Any]:
        """Print or write a report; return its document.

        Raises:
            RetryRefusedError: The format fails, or the file cannot be written.
        """
        in_text = self._path is None and self._format.render is text.render
        painted = in_text and in_colours(click.get_current_context(), os.environ)
        document = text.painted(report, _paint) if painted else _rendered(report, self._format)
        if self._path is None:
            click.echo(document.encode("utf-8", "backslashreplace"), nl=not document.endswith("\n"), color=painted)
        else:
            _write(document, self._path)
        return report_document(report)


def _paint(line: str, tone: Tone) -> str:
    return click.style(line, fg={Tone.GOOD: "green", Tone.BAD: "red", Tone.WARNING: "yellow"}[tone])


def _formats() -> Mapping[str, ReportFormat]:
    formats, findings = report_formats(_plugins(click.get_current_context()))
    for finding in findings:
        click.echo(f"dbt-retry-plus: {finding.sentence}", err=True)
    return formats


def _plugins(context: click.Context) -> Plugins:
    """The plugins of the project; of the environment alone where a ledger is looked at from outside of any project."""
    try:
        root = find_project(given(context, "project_dir"), os.environ)
    except RetryRefusedError:
        if not given(context, "ledger") or given(context, "project_dir"):
            raise
        return plugins_of_environment(os.environ)
    return load_plugins(read_settings(root, os.environ), root)


def _rendered(found: Any, wanted: ReportFormat) -> str:
    try:
        return rendered(found, wanted)
    except Exception as error:  # whatever a plugin raises
        raise RetryRefusedError(
            f"The report format {wanted.name!r} failed: {type(error).__name__}: {error}. Name another with --format."
        ) from None


def _write(document: str, path: Path) -> None:
    try:
        write_report(document, path)
    except OSError as error:
        raise RetryRefusedError(
            f"Could not write '{path}': {error.strerror}. Name another file with --output-file."
        ) from None
