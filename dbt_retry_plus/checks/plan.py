"""Checks of a plan: what it cannot run, does not run, or could not find out."""

from __future__ import annotations

from collections.abc import Iterator

from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.texts import some_of
from dbt_retry_plus.types import Finding, PlannedRetry
from dbt_retry_plus.words import Severity


@hookimpl
def retry_plus_check_plan(retry: PlannedRetry) -> Iterator[Finding]:
    """Say what planning has noticed, and what the user may expect to run and will not."""
    yield from retry.plan.findings
    yield from _state_unknown(retry)
    yield from _changed_not_run(retry)
    yield from _renamed_not_run(retry)


def _state_unknown(retry: PlannedRetry) -> Iterator[Finding]:
    unknown = retry.comparison.unknown & retry.plan.proven
    if unknown:
        yield Finding(
            Severity.WARNING,
            "state-unknown",
            f"What {len(unknown)} of the proven nodes were run from is not on record, so whether they changed since "
            "is unknown, and they are left as they are.",
            "--rebuild-tested and --changed cannot help here: run what you changed by name.",
        )


def _changed_not_run(retry: PlannedRetry) -> Iterator[Finding]:
    left = retry.comparison.modified.keys() & retry.plan.proven
    if left:
        yield Finding(
            Severity.WARNING,
            "changed-not-run",
            f"Changed since they succeeded, and left as they are: {some_of(left)}.",
            "--changed all rebuilds them too.",
        )


def _renamed_not_run(retry: PlannedRetry) -> Iterator[Finding]:
    """What succeeded under another name; what did not runs under its new name."""
    outcomes = retry.chain.outcomes
    for old, new in sorted(retry.comparison.renamed.items()):
        if old in outcomes and outcomes[old].proven and new not in retry.plan.nodes:
            yield Finding(
                Severity.WARNING,
                "renamed-not-run",
                f"{old} succeeded, and is {new} now, which is not part of the command to retry.",
                "Run it by its new name.",
            )
