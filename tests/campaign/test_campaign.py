"""Random projects, broken, edited and retried: what is left must be what a full run of the command leaves."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable

import pytest

from tests.campaign.case import Case
from tests.campaign.comparison import Verdict, judge
from tests.campaign.running import Ran, Stage

pytestmark = pytest.mark.every_minor  # each has cases of its own


def test_a_retry_leaves_what_a_full_run_leaves(
    case: Case, stage: Stage, record_property: Callable[[str, object], None]
) -> None:
    if "CAMPAIGN_REPLAY" in os.environ:
        print(case.described())

    ran = stage.run(case)
    verdict = judge(ran)

    for name, number in counts(ran, verdict).items():
        record_property(f"campaign: {name}", number)
    assert verdict.fine, account(ran, verdict)


def counts(ran: Ran, verdict: Verdict) -> Counter[str]:
    """What is added up over all cases; first those numbers that are shown when they are 0 too."""
    case = ran.case
    found = Counter({"cases": 1, "false greens": bool(verdict.false_green), "needless reruns": len(verdict.needless)})
    found["retries"] = len(ran.retries)
    found["green in the end, as the full run"] = ran.last.green and ran.truth_run.green
    found["compared with dbt retry"] = ran.upstream is not None and not any(
        e.startswith("upstream") for e in verdict.excused
    )
    found[f"command {case.command.name}"] += 1
    found["killed"] = sum(bool(moment) for moment in (case.kill, *(step.kill for step in ran.rounds)))
    for flaw in case.flaws:
        found[f"failure: {flaw.kind}"] += 1
    for step in ran.rounds:
        for edit in step.edits:
            found[f"edit: {edit.kind}"] += 1
        found["edit: given another var"] += bool(step.vars)
    for reason in sorted(verdict.excused):
        found[f"excused: {reason}"] += 1
    return found


def account(ran: Ran, verdict: Verdict) -> str:
    lines = ["", *[f"FALSE GREEN: {text}" for text in verdict.false_green], *verdict.differences]
    lines += [f"ran for no reason: {node}" for node in verdict.needless]
    lines += ["", ran.case.described(), "", f"first: {dict(ran.first.statuses)}"]
    lines += [f"retry: {ended.invocation.exit_code} {dict(ended.statuses)}" for _, ended in ran.retries]
    lines += [f"truth: {ran.truth_run.invocation.exit_code} {dict(ran.truth_run.statuses)}"]
    if ran.upstream is not None:
        lines.append(f"dbt retry: {ran.upstream.invocation.exit_code} {dict(ran.upstream.statuses)}")
    lines += [
        "",
        f"replay it: CAMPAIGN_REPLAY={ran.case.seed}",
        "",
        "the last retry said:",
        ran.last.invocation.output[-4000:],
    ]
    if not ran.truth_run.statuses:
        lines += ["", "the full run said:", ran.truth_run.invocation.output[-3000:]]
    return "\n".join(lines)
