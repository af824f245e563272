"""The project's own check, which comes with it wherever it is installed."""

from __future__ import annotations

from collections.abc import Iterator

from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.types import Finding, PlannedRetry
from dbt_retry_plus.words import Severity


@hookimpl
def retry_plus_check_plan(retry: PlannedRetry) -> Iterator[Finding]:
    """Say how many ships wait; the limit is in the settings that are packed with the project."""
    most = retry.settings.get("harbour", {}).get("most")
    if most is not None and len(retry.plan.nodes) > most:
        yield Finding(
            Severity.WARNING, "queue", f"{len(retry.plan.nodes)} ships wait, and {most} are usual.", "Have patience."
        )
