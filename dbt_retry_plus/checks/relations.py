"""Checks of what stands in the warehouse."""

from __future__ import annotations

from collections.abc import Iterator

from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.texts import some_of
from dbt_retry_plus.types import Finding, PlannedRetry
from dbt_retry_plus.words import Severity


@hookimpl
def retry_plus_check_plan(retry: PlannedRetry) -> Iterator[Finding]:
    """Say which proven nodes are gone from the warehouse; what is missing is not proven, so they are rebuilt."""
    if retry.missing_relations:
        yield Finding(
            Severity.WARNING,
            "relation-missing",
            f"Proven, and not in the warehouse any more: {some_of(retry.missing_relations)}. They are rebuilt.",
            "Find out who dropped them.",
        )
