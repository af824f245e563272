"""The option that asks for reports."""

from __future__ import annotations

import click


def report_option(subject: str) -> click.Option:
    """Return the option.

    Args:
        subject: What is reported on, for the help.
    """
    return click.Option(
        ["--report"],
        multiple=True,
        metavar="FORMAT[:PATH]",
        help=f"Write a report of {subject}: text, json, junit, markdown or html. By default it goes to "
        "retry_plus_report.* in the target folder, and text to the log. Can be given several times.",
    )
