"""Saying what a retry would do, before it does it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import click

from dbt_retry_plus.checks.levels import stop_on_errors
from dbt_retry_plus.dbtcore.events import log_info, log_warning
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.execution.prepare import Prepared
from dbt_retry_plus.reporting.plan import plan_document, plan_in_short, plan_lines
from dbt_retry_plus.texts import printable
from dbt_retry_plus.types import Finding


def log_findings(findings: Iterable[Finding]) -> None:
    """Log each finding as a warning, with the code that settings can silence it by."""
    for finding in findings:
        log_warning(f"{finding.sentence} [{finding.code}]")


def show_plan(prepared: Prepared, *, as_json: bool) -> tuple[Any, bool]:
    """Show the plan of a dry run.

    Returns:
        The document of the plan, and that it is a success.

    Raises:
        RetryRefusedError: A finding would stop the retry; the plan is shown all the same.
    """
    chain, arguments, plan, findings = prepared.chain, prepared.arguments, prepared.plan, prepared.findings
    document = plan_document(chain, arguments, plan, findings)
    if as_json:
        click.echo(json.dumps(document, indent=2, default=str))
    else:
        for line in plan_lines(chain, arguments, plan, findings):
            log_info(printable(line))
    stop_on_errors(findings)
    return document, True


def log_plan_in_short(prepared: Prepared) -> None:
    """Log what is about to run, in a few lines."""
    for line in plan_in_short(prepared.chain, prepared.plan):
        log_info(printable(line))


def ask(prepared: Prepared) -> None:
    """Show the plan, and ask whether to run it.

    Raises:
        RetryRefusedError: The answer is no, or there is nobody to answer.
    """
    for line in plan_lines(prepared.chain, prepared.arguments, prepared.plan, prepared.findings):
        click.echo(printable(line), err=True)
    try:
        agreed = click.confirm("Run it?", err=True)
    except click.Abort:
        agreed = False
    if not agreed:
        raise RetryRefusedError("Nothing was run, since the plan was not confirmed. Leave --confirm out to run it.")
