"""`dbt-retry-plus report`: what a retry came to, in any format, from the ledger."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from dbt_retry_plus.cli.options import PROJECT_DIR, TARGET_PATH, given, in_colours, ledger_of, refused
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.find import Records
from dbt_retry_plus.ledger.location import find_project
from dbt_retry_plus.plugin_manager import load_plugins
from dbt_retry_plus.reporting import text
from dbt_retry_plus.reporting.document import report_document
from dbt_retry_plus.reporting.outputs import format_named, rendered, report_formats, writable, write_report
from dbt_retry_plus.reporting.remake import find_report
from dbt_retry_plus.settings import read_settings
from dbt_retry_plus.types import ReportFormat
from dbt_retry_plus.words import Tone


def _report(invocation_id: str | None, format_name: str, output_file: str | None, **_options: object) -> Any:
    try:
        ledger = ledger_of(click.get_current_context())
        wanted = format_named(format_name, _formats())
        path = writable(Path(output_file)) if output_file else None
        found = find_report(Records(ledger, ledger.folder, ledger.entries(), None, None), invocation_id)
        painted = path is None and wanted.render is text.render and in_colours(click.get_current_context(), os.environ)
        document = text.painted(found, _paint) if painted else _rendered(found, wanted)
        if path is None:
            click.echo(document.encode("utf-8", "backslashreplace"), nl=not document.endswith("\n"), color=painted)
        else:
            _write(document, path)
    except RetryRefusedError as refusal:
        raise refused(refusal) from None
    return report_document(found), True


def _paint(line: str, tone: Tone) -> str:
    return click.style(line, fg={Tone.GOOD: "green", Tone.BAD: "red", Tone.WARNING: "yellow"}[tone])


def _formats() -> Mapping[str, ReportFormat]:
    root = find_project(given(click.get_current_context(), "project_dir"), os.environ)
    formats, findings = report_formats(load_plugins(read_settings(root, os.environ), root))
    for finding in findings:
        click.echo(f"dbt-retry-plus: {finding.sentence}", err=True)
    return formats


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


report = click.Command(
    "report",
    params=[
        click.Argument(["invocation_id"], metavar="[ID]", required=False),
        click.Option(
            ["--format", "format_name"],
            default="text",
            show_default=True,
            metavar="FORMAT",
            help="text, json, junit, markdown, html, or a plugin's.",
        ),
        click.Option(["--output-file"], metavar="PATH", help="Write to this file instead of stdout."),
        PROJECT_DIR,
        TARGET_PATH,
    ],
    callback=_report,
    help="Report on a retry: the newest one, or the one whose id is, or begins with, ID.",
)
