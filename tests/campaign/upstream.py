"""What must be equal between a retry and `dbt retry`, where that is right."""

from __future__ import annotations

from collections.abc import Iterator

from tests.campaign.flaws import BAD_HOOK
from tests.campaign.running import Ended, Ran


def against_upstream(ran: Ran, upstream: Ended) -> Iterator[str]:
    """Nothing was edited or killed: `dbt retry` runs the same nodes to the same end."""
    ours = ran.retries[0][1]
    if ours.invocation.exit_code != upstream.invocation.exit_code:
        yield f"exit code {ours.invocation.exit_code}, and {upstream.invocation.exit_code} of dbt retry"
    for node in sorted(ours.statuses.keys() | upstream.statuses.keys()):
        if not node.startswith("operation.") and ours.statuses.get(node) != upstream.statuses.get(node):
            yield f"{node}: {ours.statuses.get(node)}, and {upstream.statuses.get(node)} by dbt retry"


def why_upstream_is_wrong(ran: Ran) -> str | None:
    """The rows of "How it differs from `dbt retry`" that a case without edits can meet."""
    flaws, first = ran.case.flaws, ran.first
    retried = ran.retries[0][1].statuses
    reasons = {
        "asked for more": "--rebuild-tested" in ran.rounds[0].arguments,
        "fail-fast leaves unit tests out of the results": ran.case.command.fail_fast,
        "row 7, unit tests": any(node.startswith("unit_test.") for node in retried),
        "row 8, on_error": any("on_error" in node.extra for node in ran.case.broken.nodes),
        "rows 9 and 33, hooks": any(flaw.kind == BAD_HOOK for flaw in flaws),
        "rows 27 and 28, batches": any(status == "partial success" for status, _ in first.statuses.values()),
        "rows 3 and 32, no results": not first.statuses,
    }
    return next((reason for reason, applies in reasons.items() if applies), None)
