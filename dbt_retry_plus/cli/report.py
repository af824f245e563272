"""`dbt-retry-plus report`: what a retry came to, in any format, from the ledger."""

from __future__ import annotations

from typing import Any

import click

from dbt_retry_plus.cli.options import LEDGER, PROJECT_DIR, TARGET_PATH, ledger_of, refused
from dbt_retry_plus.cli.report_printer import ReportPrinter, format_options
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.find import records_on
from dbt_retry_plus.reporting.remake import find_report


def _report(invocation_id: str | None, format_name: str, output_file: str | None, **_options: object) -> Any:
    try:
        ledger = ledger_of(click.get_current_context())
        printer = ReportPrinter(format_name, output_file)
        return printer.show(find_report(records_on(ledger), invocation_id)), True
    except RetryRefusedError as refusal:
        raise refused(refusal) from None


report = click.Command(
    "report",
    params=[
        click.Argument(["invocation_id"], metavar="[ID]", required=False),
        *format_options(),
        PROJECT_DIR,
        TARGET_PATH,
        LEDGER,
    ],
    callback=_report,
    help="Report on a retry: the newest one, or the invocation whose id is, or begins with, ID.",
)
