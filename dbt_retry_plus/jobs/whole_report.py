"""The account of a whole run of a job, made of the reports of its steps, for every format of reports. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from dbt_retry_plus.jobs.record import DONE, JobRun, Status, StepRun
from dbt_retry_plus.reporting.sentences import GREEN
from dbt_retry_plus.types import EffectiveArguments, ReportedNode, RetryReport
from dbt_retry_plus.words import UNPROVEN_FATES, Fate, Verdict

_STOPPED = frozenset({Status.CANCELLED, Status.INTERRUPTED, Status.RUNNING})


def report_of_run(run: JobRun, reports: Mapping[int, RetryReport]) -> RetryReport:
    """Make the report of a run.

    Args:
        run: The run.
        reports: Those of the newest invocations of its steps, by the numbers of the steps, counted from 0.
    """
    ordered = [reports[number] for number in sorted(reports)]
    nodes: dict[str, ReportedNode] = {}
    for report in ordered:
        for node in report.nodes:
            nodes[node.unique_id] = _both(nodes[node.unique_id], node) if node.unique_id in nodes else node
    newest = ordered[-1] if ordered else None
    return RetryReport(
        verdict=_verdict(run, reports, nodes.values()),
        invocation_id=run.run_id,
        chain=(),
        arguments=EffectiveArguments(f"retry-plus job run {run.job}", {}, {}),
        message="\n".join(_said(run, reports)) or None,
        findings=tuple(finding for report in ordered for finding in report.findings),
        nodes=tuple(nodes.values()),
        started_at=run.started_at,
        duration=run.duration,
        seconds_saved=sum(report.seconds_saved for report in ordered),
        dbt_version=newest.dbt_version if newest else None,
        project=newest.project if newest else None,
        profile=newest.profile if newest else None,
        target=newest.target if newest else None,
    )


def _both(earlier: ReportedNode, later: ReportedNode) -> ReportedNode:
    """A node of two steps: what the later one made of it counts, unless that was nothing and the earlier one failed."""
    unproven = earlier.fate in UNPROVEN_FATES and later.fate not in UNPROVEN_FATES and not later.attempts
    told = earlier if unproven or (later.fate is Fate.PROVEN_BEFORE and earlier.attempts) else later
    return replace(told, attempts=(*earlier.attempts, *later.attempts), parents=later.parents or earlier.parents)


def _verdict(run: JobRun, reports: Mapping[int, RetryReport], nodes: Iterable[ReportedNode]) -> Verdict:
    """Never a green word unless all steps are done, and all that is known of them is green."""
    if run.status in _STOPPED:
        return Verdict.INTERRUPTED
    verdicts = {report.verdict for report in reports.values()}
    if run.status is Status.SUCCESS and verdicts <= GREEN:
        recovered = any(node.fate is Fate.RECOVERED for node in nodes)
        return Verdict.RECOVERED if recovered else Verdict.SUCCEEDED
    stopped_at = run.resume_at
    last = reports.get(stopped_at) if stopped_at is not None else None
    permanent = last is not None and last.verdict is Verdict.RETRY_WILL_NOT_HELP
    return Verdict.RETRY_WILL_NOT_HELP if permanent else Verdict.STILL_FAILING


def _said(run: JobRun, reports: Mapping[int, RetryReport]) -> Iterator[str]:
    """A line for each step, and what ended it where that was no node."""
    for number, step in enumerate(run.steps):
        yield f"{number + 1}. {step.name}: {step.status.value}{_why(step, reports.get(number))}"


def _why(step: StepRun, report: RetryReport | None) -> str:
    if report is not None:
        return f" ({report.message})" if report.message and step.status not in DONE else ""
    if step.invocation_id is not None:
        return f" (the record of its invocation {step.invocation_id} could not be found)"
    return ""
