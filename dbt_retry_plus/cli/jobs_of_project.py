"""The jobs of one project: what they are, where they run, and what this machine and others know of their runs."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from dbt_retry_plus.checks.levels import check_codes
from dbt_retry_plus.cli.options import given, ledger_of
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.jobs.definition import Job
from dbt_retry_plus.jobs.definition_record import definition_record, lines_of
from dbt_retry_plus.jobs.job_ledger import JobLedger
from dbt_retry_plus.jobs.place import JobPlace, place_of
from dbt_retry_plus.jobs.planning import JobPlan
from dbt_retry_plus.jobs.record import JobRun
from dbt_retry_plus.jobs.report import run_document, run_lines
from dbt_retry_plus.jobs.running import JobExecution, exit_code_of
from dbt_retry_plus.jobs.shared import SharedJobs, shared_jobs
from dbt_retry_plus.jobs.sharing import Sharing
from dbt_retry_plus.ledger.find import records_on
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.ledger.location import find_project
from dbt_retry_plus.ledger.store import StoreUnreachableError
from dbt_retry_plus.recording.lines import Lines
from dbt_retry_plus.reporting.remake import find_report
from dbt_retry_plus.setting_kinds import nearest
from dbt_retry_plus.settings import SETTINGS_FILE, Settings, read_settings
from dbt_retry_plus.store_url import shown
from dbt_retry_plus.types import RetryReport
from dbt_retry_plus.words import SHORT_ID_LENGTH

_JSON = "json"


class JobsOfProject:
    """The jobs of the project that the options of a command mean."""

    def __init__(self, context: click.Context, *, looking: bool = False) -> None:
        """Find the project.

        Args:
            context: The click context of the command.
            looking: Whether runs are only looked at, so that stdout is for them.

        Raises:
            RetryRefusedError: There is no project, or its settings cannot be read.
        """
        self._context = context
        self._errors = looking or context.params.get("output") == _JSON
        self._lines = Lines(os.environ)
        self.root: Path = find_project(given(context, "project_dir"), os.environ)
        self.settings: Settings = read_settings(self.root, os.environ)
        check_codes(self.settings.checks)
        self.ledger = JobLedger(ledger_of(context))
        self.place: JobPlace = place_of(self.root, given(context, "target_path"), os.environ)
        self.shared = shared_jobs(self.settings, self.root, self.ledger, self.say)
        self._run_id = str(uuid.uuid4())

    def named(self, name: str) -> Job:
        """Return a job; raises RetryRefusedError where settings define none of that name."""
        jobs = self.settings.jobs
        if name not in jobs:
            known = nearest(name, jobs) if jobs else "It defines none."
            raise RetryRefusedError(f"There is no job {name!r} in '{self.root / SETTINGS_FILE}'. {known}")
        self._lines = lines_of(jobs[name], self.place.environment_of(jobs[name]))
        return jobs[name]

    def definition(self, job: Job, previous: JobRun) -> dict[str, Any]:
        """The definition of now, as the journal of a run has that of then."""
        return definition_record(job, self._lines, previous.run_id)

    @contextmanager
    def only_run(self, job: Job, *, ledger_optional: bool) -> Iterator[Sharing | None]:
        """Let one run of a job run at a time, on whichever machine, and know what other machines have run of it."""
        with self.ledger.only_run(job.name):
            if self.shared is None:
                yield None
                return
            shared = self.shared
            try:
                sharing = shared.claimed(job.name, self._run_id)
            except StoreUnreachableError as error:
                self._go_on_without(error, ledger_optional=ledger_optional)
                sharing = shared.unclaimed()
            try:
                yield sharing
            finally:
                sharing.end()

    def fetch(self, *, ledger_optional: bool) -> None:
        """Fetch what other machines have run, where settings keep that in a store."""
        if self.shared is None:
            return
        try:
            self.shared.fetch()
            self.ledger = replace(self.ledger, alive=self.shared.alive({*self.settings.jobs}))
        except StoreUnreachableError as error:
            self._go_on_without(error, ledger_optional=ledger_optional)
        except OSError as error:
            raise RetryRefusedError(
                f"Could not write to the ledger in '{self.ledger.folder}': {error.strerror}. Make it writable."
            ) from None

    def _go_on_without(self, error: StoreUnreachableError, *, ledger_optional: bool) -> None:
        if not ledger_optional:
            raise self._refusal(error)
        self.say(f"{self._unreachable(error)} What other machines have run is unknown.")
        self.shared = None

    def _refusal(self, error: StoreUnreachableError) -> RetryRefusedError:
        remedy = "See to it, or pass --ledger-optional to go by what is on this machine."
        return RetryRefusedError(f"{self._unreachable(error)} {remedy}")

    def _unreachable(self, error: StoreUnreachableError) -> str:
        return f"The ledger in {shown(self.settings.ledger)} cannot be reached: {error}."

    def shipped_invocation(self, run: JobRun, number: int, resumed: str | None) -> str | None:
        """Return the invocation of a step of a run, or else the one that it resumed, where the store has it.

        Args:
            run: The run.
            number: The number of the step, counted from 0.
            resumed: The invocation that the step resumed.

        Raises:
            RetryRefusedError: The store cannot be reached any more.
        """
        if self.shared is None:
            return None
        try:
            return self.shared.invocation_of(run.run_id, number, resumed)
        except StoreUnreachableError as error:
            raise self._refusal(error) from None

    def reports_of(self, run: JobRun) -> Iterator[tuple[int, RetryReport]]:
        """Yield the report of each step that came to an invocation, with the number of the step, counted from 0."""
        job = self.settings.jobs.get(run.job)
        defined = {step.name: step for step in job.steps} if job else {}
        elsewhere: dict[int, str] = {}
        for number, step in enumerate(run.steps):
            if step.invocation_id is None:
                continue
            now = defined.get(step.name)
            ledger = self.place.ledger_of(job, now) if job and now else self.ledger.ledger
            if ledger is None or not (ledger.invocations / step.invocation_id).is_dir():
                elsewhere[number] = step.invocation_id
            else:
                yield from _report_in(ledger, number, step.invocation_id)
        if elsewhere and self.shared is not None:
            yield from self._shipped_reports(self.shared, elsewhere)

    def _shipped_reports(self, shared: SharedJobs, wanted: Mapping[int, str]) -> Iterator[tuple[int, RetryReport]]:
        with tempfile.TemporaryDirectory(prefix="dbt-retry-plus-") as folder:
            try:
                ledger = shared.fetch_invocations(wanted.values(), Path(folder))
            except StoreUnreachableError as error:
                self._go_on_without(error, ledger_optional=True)
                return
            except (RetryRefusedError, OSError) as error:
                self.say(str(error))
                return
            for number, invocation_id in wanted.items():
                yield from _report_in(ledger, number, invocation_id)

    def execute(self, plan: JobPlan, output: str, sharing: Sharing | None) -> tuple[Any, bool]:
        """Run what is planned, and end as it ended."""
        # With a document on stdout, nothing else may be there.
        steps_output = sys.__stderr__ if output == _JSON else None
        execution = JobExecution(self._run_id, plan, self.place, self.ledger, steps_output, self.say, sharing)
        self.say(f"Job {plan.job.name}, run {execution.run_id[:SHORT_ID_LENGTH]}")
        run = execution.run()
        self._tidy(plan.job)
        if output == _JSON:
            click.echo(json.dumps(run_document(run), indent=2))
        else:
            print_run(run)
        code = exit_code_of(run)
        if code and self._context.find_root().obj is None:  # a program, by dbtRunner, is handed the result instead
            self._context.exit(code)
        return run_document(run), code == 0

    def say(self, text: str) -> None:
        """Tell a person what is going on; what is told ends up in the logs of CI servers, so without secrets."""
        click.echo(f"==> {self._lines.text_without_secrets(text)}", err=self._errors)
        sys.stdout.flush()  # what dbt says next comes from another process

    def _tidy(self, job: Job) -> None:
        if self.shared is not None:
            self.shared.prune(job.name, self.settings.keep_invocations)
        try:
            self.ledger.prune(self.settings.keep_invocations)
        except (OSError, RetryRefusedError) as error:
            self.say(f"The ledger could not be tidied: {error}")


def _report_in(ledger: LocalLedger, number: int, invocation_id: str) -> Iterator[tuple[int, RetryReport]]:
    with suppress(RetryRefusedError):  # its record is gone: the report of the run says so
        yield number, find_report(records_on(ledger), invocation_id)


def print_run(run: JobRun) -> None:
    """Print what became of the steps of a run."""
    for line in run_lines(run):
        click.echo(line)
