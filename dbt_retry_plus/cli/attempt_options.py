"""The options that give nodes more than one attempt; each is a setting too, and its name is the same."""

from __future__ import annotations

import click

from dbt_retry_plus.words import Backoff, RetryOn


def attempt_options() -> list[click.Parameter]:
    """Return the options; what was not given is None, or empty."""
    return [
        click.Option(
            ["--attempts"],
            metavar="N",
            help="Execute a node up to N times in this retry, when it fails with an error that passes (default 1).",
        ),
        click.Option(
            ["--backoff"],
            type=click.Choice([choice.value for choice in Backoff]),
            help="How the delay between the attempts of a node grows: exponential (the default) or constant.",
        ),
        click.Option(
            ["--delay"], metavar="TIME", help="The delay before a second attempt, for instance 0.5s, 2s or 1m."
        ),
        click.Option(["--max-delay"], metavar="TIME", help="The longest delay, its jitter not counted."),
        click.Option(["--jitter"], metavar="TIME", help="A random part of this is added to each delay."),
        click.Option(
            ["--attempt-budget"], metavar="N", help="How many attempts all nodes may have besides their first one."
        ),
        click.Option(
            ["--time-budget"], metavar="TIME", help="No attempt begins when this has passed since the first node began."
        ),
        click.Option(
            ["--retry-on"],
            type=click.Choice([choice.value for choice in RetryOn]),
            help="The errors after which a node gets another attempt: transient ones (the default), unknown ones "
            "too, or any.",
        ),
        click.Option(
            ["--only-rerun"],
            multiple=True,
            metavar="REGEX",
            help="Give another attempt after errors that this is found in, whatever their class, and after no others.",
        ),
        click.Option(
            ["--rerun-except"],
            multiple=True,
            metavar="REGEX",
            help="Give no other attempt after an error that this is found in.",
        ),
        click.Option(["--fail-on-flaky"], is_flag=True, help="Exit with 1 when a node needed more than one attempt."),
    ]
