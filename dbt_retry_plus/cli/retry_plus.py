"""`dbt retry-plus`: retry what the previous invocation left unproven."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dbt_retry_plus.dbtcore.parameters import given_options, retry_parameters, with_upstream_setup
from dbt_retry_plus.errors import RetryRefusedError

_OPTIONS: list[click.Parameter] = [
    click.Option(
        ["--vars-replace"],
        is_flag=True,
        help="Let --vars replace the recorded vars. Without it they are laid over them.",
    ),
    click.Option(
        ["--allow-target-change"],
        is_flag=True,
        help="Accept a --target or --profile that is not the one of the command to retry.",
    ),
]
_OWN_NAMES = frozenset(option.name for option in _OPTIONS if option.name)


def _run(context: click.Context, **options: Any) -> tuple[Any, bool]:
    from dbt_retry_plus.dbtcore.errors import as_dbt_error
    from dbt_retry_plus.execution.retry import RetryRequest, retry

    flags, config = context.obj["flags"], context.obj["runtime_config"]
    request = RetryRequest(
        folder=Path(config.project_root) / (flags.STATE or config.target_path),
        given=given_options(context, _OWN_NAMES),
        flags=flags,
        replace_vars=options["vars_replace"],
        allow_target_change=options["allow_target_change"],
    )
    try:
        return retry(request)
    except RetryRefusedError as refusal:
        raise as_dbt_error(refusal) from None


retry_plus = click.Command(
    "retry-plus",
    params=[*retry_parameters(), *_OPTIONS],
    callback=with_upstream_setup(_run),
    help="Retry what the previous invocation left unproven.",
)
