from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.jobs.definition import Job, Step
from dbt_retry_plus.jobs.planning import (
    banner,
    newest_of,
    plan_from_failure,
    plan_from_start,
    settled,
    step_lines,
)
from dbt_retry_plus.jobs.record import Beginning, JobRun, Status, StepRun, Try
from dbt_retry_plus.words import Severity

JOB = Job("nightly", (Step("dbt seed", "dbt seed"), Step("marts", "dbt build -s marts"), Step("dbt test", "dbt test")))
INVOCATION = "4f3a91c0-1234"


def definition(job: Job = JOB, **changes: Any) -> dict[str, Any]:
    steps = [{"name": s.name, "command": s.command, "attempts": s.attempts, "timeout": s.timeout} for s in job.steps]
    return {"steps": steps, "env": {}, **changes}


def run(*statuses: Status, status: Status = Status.ERROR, run_id: str = "run1", **changes: Any) -> JobRun:
    ran = (Status.SUCCESS, Status.ERROR, Status.TIMED_OUT, Status.CANCELLED, Status.INTERRUPTED)
    steps = tuple(
        StepRun(step.name, step.command, its, (Try(step.command, its, None),) if its in ran else ())
        for step, its in zip(JOB.steps, statuses, strict=True)
    )
    values: dict[str, Any] = {
        "definition": definition(),
        "started_at": None,
        "duration": 1.0,
        "first": 0,
        "resumes": None,
        "rerun_of": None,
        "beginning": Beginning.START,
        "ended": True,
        "process_id": 1,
        "host": "here",
        "user": None,
    }
    return JobRun(run_id, "nightly", status, steps, **{**values, **changes})


FAILED = run(Status.SUCCESS, Status.ERROR, Status.SKIPPED)


def test_from_start_all_steps_run() -> None:
    plan = plan_from_start(JOB, FAILED)
    assert [number for number, _ in plan.steps] == [0, 1, 2]
    assert (plan.rerun_of, plan.resumes, plan.findings) == ("run1", None, ())


def test_from_failure_the_failed_step_is_resumed_and_those_after_it_run() -> None:
    plan = plan_from_failure(JOB, FAILED, definition(), INVOCATION)
    assert step_lines(plan) == ["  2. marts: dbt build -s marts (resumes 4f3a91c0)", "  3. dbt test"]
    assert banner(plan) == "This run resumed execution from the last failed step (2 of 3: marts, of run run1)"
    assert plan.findings == ()


@pytest.mark.parametrize("status", [Status.TIMED_OUT, Status.CANCELLED, Status.INTERRUPTED])
def test_a_step_that_did_not_come_to_its_end_failed(status: Status) -> None:
    plan = plan_from_failure(JOB, run(Status.SUCCESS, status, Status.SKIPPED), definition(), INVOCATION)
    assert (plan.first, plan.resumes) == (1, INVOCATION)
    assert "the last failed step" in banner(plan)


def test_what_was_killed_between_two_steps_goes_on_with_the_second() -> None:
    between = run(Status.SUCCESS, Status.NOT_STARTED, Status.NOT_STARTED, status=Status.INTERRUPTED, ended=False)
    plan = plan_from_failure(JOB, between, definition(), None)
    assert (plan.first, plan.resumes, plan.findings) == (1, None, ())
    assert banner(plan).startswith("This run resumed execution from the first step that had not run (2 of 3: marts")


def test_a_step_of_which_nothing_is_on_record_runs_from_its_start() -> None:
    plan = plan_from_failure(JOB, FAILED, definition(), None)
    assert plan.resumes is None
    assert [finding.code for finding in plan.findings] == ["step-not-recorded"]
    assert settled(plan, {}, force=False).findings == plan.findings


def test_steps_that_were_done_before_a_rerun_are_done() -> None:
    rerun = run(Status.DONE_BEFORE, Status.SUCCESS, Status.ERROR, first=1)
    assert plan_from_failure(JOB, rerun, definition(), None).first == 2


@pytest.mark.parametrize("status", [Status.SUCCESS, Status.RUNNING])
def test_only_what_failed_can_be_resumed(status: Status) -> None:
    with pytest.raises(
        RetryRefusedError, match=rf"The latest status of the run run1 of the job 'nightly' is {status.value}"
    ):
        plan_from_failure(JOB, run(Status.SUCCESS, Status.SUCCESS, Status.RUNNING, status=status), definition(), None)


def test_a_run_whose_steps_are_all_done_leaves_nothing_to_resume() -> None:
    killed_at_its_end = run(*[Status.SUCCESS] * 3, status=Status.INTERRUPTED, ended=False)
    with pytest.raises(RetryRefusedError, match="are done: nothing is left to resume"):
        plan_from_failure(JOB, killed_at_its_end, definition(), None)


def test_edited_steps_are_an_error_that_force_passes() -> None:
    edited = replace(JOB, steps=(JOB.steps[0], Step("new", "dbt deps"), JOB.steps[1]))
    plan = plan_from_failure(edited, FAILED, definition(edited), INVOCATION)
    with pytest.raises(RetryRefusedError, match=r"are not those that the run run1 had.*\[job-changed\]"):
        settled(plan, {}, force=False)
    forced = settled(plan, {}, force=True)
    assert [finding.severity for finding in forced.findings] == [Severity.WARNING]
    assert (forced.first, forced.resumes) == (2, INVOCATION)


def test_a_step_with_another_command_is_not_resumed() -> None:
    edited = replace(JOB, steps=(JOB.steps[0], Step("marts", "dbt build -s all"), JOB.steps[2]))
    plan = plan_from_failure(edited, FAILED, definition(edited), INVOCATION)
    assert (plan.first, plan.resumes) == (1, None)


def test_a_failed_step_that_is_gone_cannot_be_resumed() -> None:
    edited = replace(JOB, steps=(JOB.steps[0], JOB.steps[2]))
    with pytest.raises(RetryRefusedError, match="The step 'marts', at which the run run1 stopped, is not in the job"):
        plan_from_failure(edited, FAILED, definition(edited), INVOCATION)


def test_other_limits_are_no_other_steps() -> None:
    patient = replace(JOB, steps=tuple(replace(step, attempts=5, timeout=9.0) for step in JOB.steps))
    assert plan_from_failure(patient, FAILED, definition(patient), INVOCATION).findings == ()


def test_another_environment_is_a_warning() -> None:
    plan = plan_from_failure(JOB, FAILED, definition(env={"A": "digest"}), INVOCATION)
    assert [finding.code for finding in settled(plan, {}, force=False).findings] == ["job-environment-changed"]


def test_the_newest_rerun_of_a_run_counts() -> None:
    second = replace(FAILED, run_id="run2", rerun_of="run1")
    other = replace(FAILED, run_id="other")
    third = replace(FAILED, run_id="run3", rerun_of="run2")
    assert newest_of(FAILED, [FAILED, second, other, third]) is third
    assert newest_of(other, [FAILED, second, other, third]) is other
