"""What a run of a job runs: all steps, or from the one that failed on. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dbt_retry_plus.checks.levels import settled as settled_findings
from dbt_retry_plus.checks.levels import stop_on_errors
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.jobs.definition import Job, Step
from dbt_retry_plus.jobs.record import RESUMABLE, Beginning, JobRun, Status
from dbt_retry_plus.types import Finding
from dbt_retry_plus.words import SHORT_ID_LENGTH, CheckLevel, Severity


@dataclass(frozen=True)
class JobPlan:
    """What a run of a job is to do.

    Attributes:
        job: The job as it is defined now.
        first: The number of the step that it begins with, counted from 0; those before it are done.
        resumes: The invocation that the first step resumes; it runs from its start when None.
        rerun_of: The run that this is a rerun of.
        beginning: Where it begins.
        stopped_at: What had become of the first step.
        findings: What is to be said before it runs.
    """

    job: Job
    first: int = 0
    resumes: str | None = None
    rerun_of: str | None = None
    beginning: Beginning = Beginning.START
    stopped_at: Status | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def steps(self) -> tuple[tuple[int, Step], ...]:
        """The steps that will run, each with its number, counted from 0."""
        return tuple(enumerate(self.job.steps))[self.first :]


def plan_from_start(job: Job, previous: JobRun | None = None) -> JobPlan:
    """Plan to run all steps.

    Args:
        job: The job.
        previous: The run of which this is a rerun.
    """
    return JobPlan(job, rerun_of=previous.run_id if previous else None)


def plan_from_failure(job: Job, previous: JobRun, now: Mapping[str, Any], resumable: str | None) -> JobPlan:
    """Plan to run what a run of a job left undone.

    Args:
        job: The job as it is defined now.
        previous: The run.
        now: The definition of now, as `previous.definition` has that of then.
        resumable: The invocation in which the first step that is not done came furthest, where it is on record.

    Raises:
        RetryRefusedError: The run is not one that can be resumed, or the step to resume is gone.
    """
    _refuse_what_is_done(previous)
    at = previous.resume_at
    if at is None:  # it was killed as it ended
        raise RetryRefusedError(
            f"All steps of the run {previous.short_id} of the job {job.name!r} are done: nothing is left to resume. "
            "Give `--from start` to run all of them again."
        )
    stopped = previous.steps[at]
    number = next((number for number, step in enumerate(now["steps"]) if step["name"] == stopped.name), None)
    if number is None:
        raise RetryRefusedError(
            f"The step {stopped.name!r}, at which the run {previous.short_id} stopped, is not in the job {job.name!r} "
            "any more. Give `--from start` to run all steps."
        )
    findings = list(_changes(job.name, previous, now))
    same = now["steps"][number]["command"] == stopped.command
    if stopped.tries and same and resumable is None:
        findings.append(_nothing_on_record(stopped.name))
    return JobPlan(
        job=job,
        first=number,
        resumes=resumable if same else None,
        rerun_of=previous.run_id,
        beginning=Beginning.FAILURE,
        stopped_at=stopped.status,
        findings=tuple(findings),
    )


def settled(plan: JobPlan, levels: Mapping[str, CheckLevel], *, force: bool) -> JobPlan:
    """Raise, lower and silence findings as settings say, and `--force`.

    Args:
        plan: The plan.
        levels: The setting `checks`.
        force: Whether `--force` is given.

    Raises:
        RetryRefusedError: An error is left.
    """
    findings = settled_findings(plan.findings, levels, force=force)
    stop_on_errors(findings)
    return replace(plan, findings=findings)


def newest_of(run: JobRun, runs: Sequence[JobRun]) -> JobRun:
    """Return the newest rerun of a run, or the run itself: its latest status counts.

    Args:
        run: The run.
        runs: All runs, oldest first.
    """
    chain = {run.run_id}
    for later in runs:
        if later.rerun_of in chain:
            chain.add(later.run_id)
            run = later
    return run


def banner(plan: JobPlan) -> str:
    """Say from where a run resumes another one."""
    number, step = plan.steps[0]
    where = f"{number + 1} of {len(plan.job.steps)}: {step.name}, of run {(plan.rerun_of or '')[:SHORT_ID_LENGTH]}"
    if plan.stopped_at in (Status.NOT_STARTED, Status.SKIPPED):
        return f"This run resumed execution from the first step that had not run ({where})"
    return f"This run resumed execution from the last failed step ({where})"


def step_lines(plan: JobPlan) -> list[str]:
    """Say what each of the steps that will run does."""
    return [
        f"  {number + 1}. {step.name}{'' if step.name == step.command else f': {step.command}'}"
        + (f" (resumes {plan.resumes[:SHORT_ID_LENGTH]})" if plan.resumes and number == plan.first else "")
        for number, step in plan.steps
    ]


def _refuse_what_is_done(previous: JobRun) -> None:
    if previous.status in RESUMABLE:
        return
    remedy = (
        "Wait until it has ended, or stop it."
        if previous.status is Status.RUNNING
        else "Give `--from start` to run all of its steps again."
    )
    raise RetryRefusedError(
        f"The latest status of the run {previous.short_id} of the job {previous.job!r} is {previous.status.value}, and "
        f"only a run that ended with an error, was interrupted or cancelled can be resumed. {remedy}"
    )


def _changes(name: str, previous: JobRun, now: Mapping[str, Any]) -> list[Finding]:
    findings = []
    if _commands(previous.definition) != _commands(now):
        findings.append(
            Finding(
                Severity.ERROR,
                "job-changed",
                f"The steps of the job {name!r} are not those that the run {previous.short_id} had.",
                "Give `--from start` to run all of them, or --force to go on with the steps of now.",
                passable=True,
            )
        )
    if previous.definition.get("env") != now.get("env"):
        findings.append(
            Finding(
                Severity.WARNING,
                "job-environment-changed",
                f"The env of the job {name!r} is not the one that the steps before ran with.",
                "Give `--from start` if that matters to them.",
            )
        )
    return findings


def _commands(definition: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(step["name"], step["command"]) for step in definition["steps"]]


def _nothing_on_record(name: str) -> Finding:
    return Finding(
        Severity.WARNING,
        "step-not-recorded",
        f"No invocation of the step {name!r} is on record.",
        "It runs from its start.",
    )
