"""`dbt-retry-plus job`: several dbt commands as one, run, looked at, and run again from where they failed."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from dbt_retry_plus.cli.history import local_time
from dbt_retry_plus.cli.jobs_of_project import JobsOfProject, print_run
from dbt_retry_plus.cli.options import OUTPUT, PROJECT_DIR, TARGET_PATH, refused
from dbt_retry_plus.cli.report_printer import ReportPrinter, format_options
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.jobs.definition import Job
from dbt_retry_plus.jobs.job_ledger import run_named
from dbt_retry_plus.jobs.planning import (
    JobPlan,
    banner,
    newest_of,
    plan_from_failure,
    plan_from_start,
    settled,
    step_lines,
)
from dbt_retry_plus.jobs.record import Beginning, JobRun
from dbt_retry_plus.jobs.report import run_document
from dbt_retry_plus.jobs.whole_report import report_of_run
from dbt_retry_plus.texts import in_short, printable, table
from dbt_retry_plus.words import SHORT_ID_LENGTH

HISTORY_SCHEMA = "dbt-retry-plus/job-history/v1"
_JSON = "json"
_HEADER = ("RUN", "JOB", "WHEN", "STATUS", "STEPS", "DURATION", "RERUN OF", "RERUNS")


def _run(name: str, output: str, **_options: object) -> tuple[Any, bool]:
    try:
        jobs = JobsOfProject(click.get_current_context())
        job = jobs.named(name)
        with jobs.only_run(job, ledger_optional=True) as sharing:
            return jobs.execute(plan_from_start(job), output, sharing)
    except RetryRefusedError as refusal:
        raise refused(refusal) from None


def _rerun(
    name: str,
    run_id: str | None,
    beginning: str,
    output: str,
    *,
    confirm: bool,
    yes: bool,
    force: bool,
    ledger_optional: bool,
    **_options: object,
) -> tuple[Any, bool]:
    if confirm and yes:
        raise click.UsageError("--confirm asks, and --yes answers. Leave one of them out.")
    try:
        jobs = JobsOfProject(click.get_current_context())
        job = jobs.named(name)
        with jobs.only_run(job, ledger_optional=ledger_optional) as sharing:
            jobs.fetch(ledger_optional=ledger_optional)
            plan = settled(_planned(jobs, job, run_id, Beginning(beginning)), jobs.settings.checks, force=force)
            for finding in plan.findings:
                jobs.say(f"{finding.sentence} [{finding.code}]")
            jobs.say("Steps that will run:\n" + "\n".join(map(printable, step_lines(plan))))
            if confirm or (not yes and sys.stdin.isatty() and sys.stderr.isatty()):
                _ask()
            if plan.beginning is Beginning.FAILURE:
                jobs.say(printable(banner(plan)))
            return jobs.execute(plan, output, sharing)
    except RetryRefusedError as refusal:
        raise refused(refusal) from None


def _planned(jobs: JobsOfProject, job: Job, run_id: str | None, beginning: Beginning) -> JobPlan:
    runs = [run for run in jobs.ledger.runs(held=job.name) if run.job == job.name]
    if not runs:
        raise RetryRefusedError(f"The job {job.name!r} has not run yet. `dbt retry-plus job run {job.name}` runs it.")
    previous = newest_of(run_named(run_id, runs) if run_id else runs[-1], runs)
    if beginning is Beginning.START:
        return plan_from_start(job, previous)
    return plan_from_failure(job, previous, jobs.definition(job, previous), _resumable(jobs, job, previous))


def _resumable(jobs: JobsOfProject, job: Job, previous: JobRun) -> str | None:
    """The invocation in which the step that a run stopped at came furthest, where it is on record."""
    number = previous.resume_at
    step = next((s for s in job.steps if number is not None and s.name == previous.steps[number].name), None)
    if number is None or step is None:
        return None
    ledger = jobs.place.ledger_of(job, step)
    entry = jobs.ledger.invocation_of(previous.run_id, number, ledger)
    if entry is not None:
        return entry.invocation_id
    known = {entry.invocation_id for entry in ledger.entries()} if ledger else set()
    resumed = previous.resumes if number == previous.first else None
    return jobs.shipped_invocation(previous, number, resumed) or (resumed if resumed in known else None)


def _ask() -> None:
    try:
        agreed = click.confirm("Run them?", err=True)
    except click.Abort:
        agreed = False
    if not agreed:
        raise RetryRefusedError("Nothing was run, since it was not confirmed. Give --yes to run it unasked.")


def _report(run_id: str, format_name: str, output_file: str | None, **_options: object) -> tuple[Any, bool]:
    try:
        jobs = JobsOfProject(click.get_current_context(), looking=True)
        printer = ReportPrinter(format_name, output_file)
        jobs.fetch(ledger_optional=True)
        run = run_named(run_id, jobs.ledger.runs())
        return printer.show(report_of_run(run, dict(jobs.reports_of(run)))), True
    except RetryRefusedError as refusal:
        raise refused(refusal) from None


def _history(limit: int, output: str, **_options: object) -> tuple[Any, bool]:
    try:
        jobs = JobsOfProject(click.get_current_context(), looking=True)
        jobs.fetch(ledger_optional=True)
        ledger, runs = jobs.ledger, jobs.ledger.runs()
    except RetryRefusedError as refusal:
        raise refused(refusal) from None
    documents = [run_document(run, runs) for run in reversed(runs[-limit:])]
    if output == _JSON:
        click.echo(json.dumps({"schema": HISTORY_SCHEMA, "runs": documents}, indent=2))
    elif documents:
        click.echo(table(_HEADER, [_row(run, runs) for run in reversed(runs[-limit:])]))
    else:
        click.echo(f"There are no runs of jobs on the ledger in '{ledger.folder}'. `job run NAME` runs one.")
    return documents, True


def _row(run: JobRun, runs: list[JobRun]) -> tuple[str, ...]:
    done = sum(1 for number in range(len(run.steps)) if run.resume_at is None or number < run.resume_at)
    return (
        run.short_id,
        run.job,
        local_time(run.started_at),
        run.status.value,
        f"{done} of {len(run.steps)}",
        in_short(run.duration) if run.duration is not None else "",
        (run.rerun_of or "")[:SHORT_ID_LENGTH],
        " ".join(later.short_id for later in runs if later.rerun_of == run.run_id),
    )


def _show(run_id: str, output: str, **_options: object) -> tuple[Any, bool]:
    try:
        jobs = JobsOfProject(click.get_current_context(), looking=True)
        jobs.fetch(ledger_optional=True)
        runs = jobs.ledger.runs()
        run = run_named(run_id, runs)
    except RetryRefusedError as refusal:
        raise refused(refusal) from None
    document = run_document(run, runs)
    if output == _JSON:
        click.echo(json.dumps(document, indent=2))
        return document, True
    began = f", started {local_time(run.started_at)}" + (f" by {run.user}" if run.user else "")
    click.echo(printable(f"{run.run_id}: job {run.job}{began} on {run.host}"))
    if run.rerun_of:
        click.echo(f"  a rerun of {run.rerun_of} from {run.beginning.value}")
    for rerun in document["reruns"]:
        click.echo(f"  run again as {rerun}")
    print_run(run)
    return document, True


_NAME = click.Argument(["name"], metavar="NAME")
_PLACE = [PROJECT_DIR, TARGET_PATH]
job = click.Group(
    "job",
    help="Run several dbt commands as the steps of one job, which dbt_retry_plus.yml defines.",
    commands=[
        click.Command(
            "run", params=[_NAME, *_PLACE, OUTPUT], callback=_run, help="Run the steps of a job until one fails."
        ),
        click.Command(
            "rerun",
            params=[
                _NAME,
                click.Argument(["run_id"], metavar="[RUN]", required=False),
                click.Option(
                    ["--from", "beginning"],
                    type=click.Choice([beginning.value for beginning in Beginning]),
                    required=True,
                    help="Resume at the step that failed, where it failed, or run all steps again.",
                ),
                click.Option(["--confirm"], is_flag=True, help="Ask before anything runs, as at a terminal."),
                click.Option(["--yes"], is_flag=True, help="Run without asking."),
                click.Option(["--force"], is_flag=True, help="Go on although the steps of the job were edited."),
                click.Option(
                    ["--ledger-optional"],
                    is_flag=True,
                    help="Go by what is on record on this machine when the store of the ledger cannot be reached.",
                ),
                *_PLACE,
                OUTPUT,
            ],
            callback=_rerun,
            help="Run a job again: its latest run, or the one whose id is, or begins with, RUN.",
        ),
        click.Command(
            "history",
            params=[
                *_PLACE,
                click.Option(
                    ["--limit"],
                    type=click.IntRange(min=1),
                    default=20,
                    show_default=True,
                    help="How many, the newest first.",
                ),
                OUTPUT,
            ],
            callback=_history,
            help="List the runs of jobs.",
        ),
        click.Command(
            "show",
            params=[click.Argument(["run_id"], metavar="RUN"), *_PLACE, OUTPUT],
            callback=_show,
            help="Show the steps of a run.",
        ),
        click.Command(
            "report",
            params=[click.Argument(["run_id"], metavar="RUN"), *format_options(), *_PLACE],
            callback=_report,
            help="Report on a run: the nodes of all of its steps, as the report of one command.",
        ),
    ],
)
