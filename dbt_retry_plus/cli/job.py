"""`dbt-retry-plus job`: several dbt commands as one, run, looked at, and run again from where they failed."""

from __future__ import annotations

import json
import os
import sys
import uuid
from pathlib import Path
from typing import Any

import click

from dbt_retry_plus.checks.levels import check_codes
from dbt_retry_plus.cli.history import local_time
from dbt_retry_plus.cli.options import OUTPUT, PROJECT_DIR, TARGET_PATH, given, ledger_of, refused
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.jobs.definition import Job
from dbt_retry_plus.jobs.definition_record import definition_record, lines_of
from dbt_retry_plus.jobs.job_ledger import JobLedger, run_named
from dbt_retry_plus.jobs.place import JobPlace, place_of
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
from dbt_retry_plus.jobs.report import run_document, run_lines
from dbt_retry_plus.jobs.running import JobExecution, exit_code_of
from dbt_retry_plus.ledger.location import find_project
from dbt_retry_plus.recording.lines import Lines
from dbt_retry_plus.setting_kinds import nearest
from dbt_retry_plus.settings import SETTINGS_FILE, Settings, read_settings
from dbt_retry_plus.texts import in_short, printable, table
from dbt_retry_plus.words import SHORT_ID_LENGTH

HISTORY_SCHEMA = "dbt-retry-plus/job-history/v1"
_JSON = "json"
_HEADER = ("RUN", "JOB", "WHEN", "STATUS", "STEPS", "DURATION", "RERUN OF", "RERUNS")


class _Jobs:
    """The jobs of the project that the options of a command mean."""

    def __init__(self, context: click.Context) -> None:
        self._context = context
        self._errors = context.params.get("output") == _JSON
        self._lines = Lines(os.environ)
        self.root: Path = find_project(given(context, "project_dir"), os.environ)
        self.settings: Settings = read_settings(self.root, os.environ)
        check_codes(self.settings.checks)
        self.ledger = JobLedger(ledger_of(context))
        self.place: JobPlace = place_of(self.root, given(context, "target_path"), os.environ)

    def named(self, name: str) -> Job:
        jobs = self.settings.jobs
        if name not in jobs:
            known = nearest(name, jobs) if jobs else "It defines none."
            raise RetryRefusedError(f"There is no job {name!r} in '{self.root / SETTINGS_FILE}'. {known}")
        self._lines = lines_of(jobs[name], self.place.environment_of(jobs[name]))
        return jobs[name]

    def definition(self, job: Job, previous: JobRun) -> dict[str, Any]:
        """The definition of now, as the journal of a run has that of then."""
        return definition_record(job, self._lines, previous.run_id)

    def execute(self, plan: JobPlan, output: str) -> tuple[Any, bool]:
        """Run what is planned, and end as it ended."""
        # With a document on stdout, nothing else may be there.
        steps_output = sys.__stderr__ if output == _JSON else None
        execution = JobExecution(str(uuid.uuid4()), plan, self.place, self.ledger, steps_output, self.say)
        self.say(f"Job {plan.job.name}, run {execution.run_id[:SHORT_ID_LENGTH]}")
        run = execution.run()
        self._tidy()
        if output == _JSON:
            click.echo(json.dumps(run_document(run), indent=2))
        else:
            _print_run(run)
        code = exit_code_of(run)
        if code and self._context.find_root().obj is None:  # a program, by dbtRunner, is handed the result instead
            self._context.exit(code)
        return run_document(run), code == 0

    def say(self, text: str) -> None:
        """Tell a person what is going on; what is told ends up in the logs of CI servers, so without secrets."""
        click.echo(f"==> {self._lines.without_secrets({'text': text})['text']}", err=self._errors)
        sys.stdout.flush()  # what dbt says next comes from another process

    def _tidy(self) -> None:
        try:
            self.ledger.prune(self.settings.keep_invocations)
        except (OSError, RetryRefusedError) as error:
            self.say(f"The ledger could not be tidied: {error}")


def _run(name: str, output: str, **_options: object) -> tuple[Any, bool]:
    try:
        jobs = _Jobs(click.get_current_context())
        job = jobs.named(name)
        with jobs.ledger.only_run(job.name):
            return jobs.execute(plan_from_start(job), output)
    except RetryRefusedError as refusal:
        raise refused(refusal) from None


def _rerun(
    name: str, run_id: str | None, beginning: str, output: str, *, confirm: bool, yes: bool, force: bool, **_o: object
) -> tuple[Any, bool]:
    if confirm and yes:
        raise click.UsageError("--confirm asks, and --yes answers. Leave one of them out.")
    try:
        jobs = _Jobs(click.get_current_context())
        job = jobs.named(name)
        with jobs.ledger.only_run(job.name):
            plan = settled(_planned(jobs, job, run_id, Beginning(beginning)), jobs.settings.checks, force=force)
            for finding in plan.findings:
                jobs.say(f"{finding.sentence} [{finding.code}]")
            jobs.say("Steps that will run:\n" + "\n".join(map(printable, step_lines(plan))))
            if confirm or (not yes and sys.stdin.isatty() and sys.stderr.isatty()):
                _ask()
            if plan.beginning is Beginning.FAILURE:
                jobs.say(printable(banner(plan)))
            return jobs.execute(plan, output)
    except RetryRefusedError as refusal:
        raise refused(refusal) from None


def _planned(jobs: _Jobs, job: Job, run_id: str | None, beginning: Beginning) -> JobPlan:
    runs = [run for run in jobs.ledger.runs(held=job.name) if run.job == job.name]
    if not runs:
        raise RetryRefusedError(f"The job {job.name!r} has not run yet. `dbt retry-plus job run {job.name}` runs it.")
    previous = newest_of(run_named(run_id, runs) if run_id else runs[-1], runs)
    if beginning is Beginning.START:
        return plan_from_start(job, previous)
    return plan_from_failure(job, previous, jobs.definition(job, previous), _resumable(jobs, job, previous))


def _resumable(jobs: _Jobs, job: Job, previous: JobRun) -> str | None:
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
    return previous.resumes if number == previous.first and previous.resumes in known else None


def _ask() -> None:
    try:
        agreed = click.confirm("Run them?", err=True)
    except click.Abort:
        agreed = False
    if not agreed:
        raise RetryRefusedError("Nothing was run, since it was not confirmed. Give --yes to run it unasked.")


def _history(limit: int, output: str, **_options: object) -> tuple[Any, bool]:
    try:
        ledger = JobLedger(ledger_of(click.get_current_context()))
        runs = ledger.runs()
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
        runs = JobLedger(ledger_of(click.get_current_context())).runs()
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
    _print_run(run)
    return document, True


def _print_run(run: JobRun) -> None:
    for line in run_lines(run):
        click.echo(line)


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
    ],
)
