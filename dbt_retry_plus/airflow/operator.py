"""The operator: the first try of a task runs a dbt command, the later ones resume it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from dbt_retry_plus.airflow.command import DbtCommand, check_retry_options, read_command, resumption, words_of
from dbt_retry_plus.airflow.compat import AirflowException, AirflowFailException, BaseOperator, Context
from dbt_retry_plus.airflow.links import REPORT_URL, RetryReportLink
from dbt_retry_plus.airflow.outcome import (
    Outcome,
    failure_of,
    found_from,
    newest_since,
    retry_will_not_help,
)
from dbt_retry_plus.airflow.process import DbtProcess, UnsupervisedError
from dbt_retry_plus.airflow.task import FROM, Found, TaskKey, Try, decide, looks_back, wish_of
from dbt_retry_plus.ledger.reports import read_report
from dbt_retry_plus.words import TAG_VARIABLE

XCOM = "dbt_retry_plus"
"""The XCom that says what became of the newest try, also of one that failed."""

_LONGEST_LOOK = 900.0  # seconds
_LONGEST_REASON = 600  # characters


class DbtRetryPlusOperator(BaseOperator):
    """Runs a dbt command, and resumes it in Airflow's retries where the try before left it.

    A retry resumes the invocation of the same task in the same DAG run, and no other; it is found in the project's
    ledger, which has to be in a store where workers do not keep their folders.

    Args:
        command: The dbt command, as text or as a list of words (templated). No shell sees it.
        project_dir: The folder of `dbt_project.yml`, in which dbt works (templated).
        profiles_dir: The folder of `profiles.yml`, where it is another one (templated).
        target: The target, unless it is the profile's default (templated).
        dbt_executable: The dbt that runs it, with dbt-retry-plus beside it (templated); it may be in a virtual
            environment of its own.
        env: Variables that dbt has besides those of the task (templated). They are neither logged nor shown.
        resume: Which tries resume: True or `always`; `retries` for Airflow's own and not the first one after the task
            was cleared; False or `never` (templated).
        retry_options: Options of `dbt retry-plus` for the resumptions, such as `["--attempts", "3"]` (templated).
        reports: Reports that a resumption writes, each as `FORMAT` or `FORMAT:PATH` (templated).
        report_url: Where they can be seen, for the link in Airflow's pages (templated).
        install_packages: Whether each try runs `dbt deps` first.
        **kwargs: What every operator takes.
    """

    template_fields: Sequence[str] = (
        "command",
        "project_dir",
        "profiles_dir",
        "target",
        "dbt_executable",
        "resume",
        "retry_options",
        "reports",
        "report_url",
    )
    ui_color: ClassVar[str] = "#ffe8d6"
    operator_extra_links = (RetryReportLink(),)

    def __init__(  # noqa: PLR0913 - Airflow hands the arguments of an operator over by their names
        self,
        *,
        command: str | Sequence[str],
        project_dir: str,
        profiles_dir: str | None = None,
        target: str | None = None,
        dbt_executable: str = "dbt",
        env: Mapping[str, str] | None = None,
        resume: bool | str = True,
        retry_options: Sequence[str] = (),
        reports: Sequence[str] = (),
        report_url: str | None = None,
        install_packages: bool = False,
        **kwargs: Any,
    ) -> None:
        """Take what the class describes."""
        super().__init__(**kwargs)
        self.command = command
        self.project_dir = project_dir
        self.profiles_dir = profiles_dir
        self.target = target
        self.dbt_executable = dbt_executable
        self.env = env
        self.resume = resume
        self.retry_options = retry_options
        self.reports = reports
        self.report_url = report_url
        self.install_packages = install_packages
        self._process: DbtProcess | None = None
        self._killed = False
        self._supervisor: int | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the command, or resume it.

        Returns:
            What became of it, which is the task's XCom.

        Raises:
            AirflowException: Nodes are left unproven; Airflow may try again.
            AirflowFailException: And to try again cannot help.
        """
        self._supervisor = os.getppid()
        try:
            command = self._command()
            options = check_retry_options(self.retry_options)
            reports = words_of("reports", self.reports)
            wish = wish_of(self.resume, self._given(context))
        except ValueError as error:
            raise AirflowFailException(str(error)) from None
        instance = context["ti"]
        index = -1 if instance.map_index is None else instance.map_index
        tag = TaskKey(instance.dag_id, instance.task_id, instance.run_id, index).tag(command)
        this = Try(instance.try_number, instance.max_tries, self.retries or 0)
        environment = self._environment(context, tag)
        if self.install_packages:
            self._install_packages(command, environment)
        found = self._find(command, tag, environment) if looks_back(wish, this) else None
        decision = decide(wish, this, found)
        self.log.info(decision.why)
        with tempfile.TemporaryDirectory(prefix="dbt-retry-plus-") as folder:
            if decision.resumes is None:
                words, report = command.words, None
            else:
                report = Path(folder) / "report.json"
                wanted = (word for each in (f"json:{report}", *reports) for word in ("--report", each))
                words = (*resumption(decision.resumes, command), *wanted, *options)
            outcome = self._run(command, words, environment, tag, decision.resumes, report)
        self._tell(context, outcome)
        if outcome.exit_code != 0:
            # Airflow does not see a stopped process as one that was stopped: it asks what it raises.
            helpless = retry_will_not_help(outcome) and not self._killed
            raise (AirflowFailException if helpless else AirflowException)(failure_of(outcome))
        return outcome.document

    def on_kill(self) -> None:
        """Have dbt cancel its queries and end, so that the next try resumes from there."""
        self._killed = True
        if self._process is not None:
            self._process.stop()

    def _command(self) -> DbtCommand:
        given = (("--profiles-dir", self.profiles_dir), ("--target", self.target))
        more = (word for name, value in given if value for word in (name, str(value)))
        return DbtCommand((*read_command(self.command).words, *more))

    @staticmethod
    def _given(context: Context) -> dict[str, Any]:
        """What the DAG run was given about where to begin."""
        run = context.get("dag_run")
        conf = getattr(run, "conf", None) or {}
        params = context.get("params") or {}
        begin = conf.get(FROM, params.get(FROM))
        return {FROM: begin}

    def _environment(self, context: Context, tag: str) -> dict[str, str]:
        own = self.render_template(dict(self.env or {}), context)
        texts = {str(name): str(value) for name, value in own.items()}  # templates can make numbers
        return {"DBT_USE_COLORS": "false", **os.environ, **texts, TAG_VARIABLE: tag}

    def _install_packages(self, command: DbtCommand, environment: Mapping[str, str]) -> None:
        code, process = self._stream((self.dbt_executable, "deps", *command.options_of_project), environment)
        if code != 0:
            said = next(reversed(process.last_lines), "")
            raise AirflowException(f"`dbt deps` ended with exit code {code}: {said}")

    def _find(self, command: DbtCommand, tag: str, environment: Mapping[str, str]) -> Found | None:
        """Find what is on record of the earlier tries.

        Raises:
            AirflowException: That cannot be told, for instance since the store does not answer.
        """
        words = ("retry-plus", "find", "--tag", tag, "--output", "json", *command.options_of_place)
        _, told, said = self._ask([self.dbt_executable, *words], environment)
        try:
            return found_from(told)
        except ValueError:
            why = (said.strip() or told.strip())[-_LONGEST_REASON:]
            raise AirflowException(
                f"What the earlier tries left is not known, so nothing was run. dbt says: {why}"
            ) from None

    def _run(
        self,
        command: DbtCommand,
        words: Sequence[str],
        environment: Mapping[str, str],
        tag: str,
        resumes: str | None,
        report: Path | None,
    ) -> Outcome:
        self.log.info("Running `%s` in %s", DbtCommand(tuple(words)).shown, self.project_dir)
        began = time.time()
        code, process = self._stream((self.dbt_executable, *words), environment)
        script = Path(self.dbt_executable).with_name("dbt-retry-plus")  # it answers without importing dbt
        start = [str(script)] if script.is_file() else [self.dbt_executable, "retry-plus"]
        asked = ("history", "--tag", tag, "--limit", "1", "--output", "json", *command.options_of_ledger)
        _, told, _ = self._ask([*start, *asked], environment)
        return Outcome(
            exit_code=code,
            resumed=resumes,
            invocation=newest_since(told, began),
            report=read_report(report) if report else None,
            reports=words_of("reports", self.reports) if report else (),
            last_line=next(reversed(process.last_lines), ""),
        )

    def _stream(self, words: Sequence[str], environment: Mapping[str, str]) -> tuple[int, DbtProcess]:
        if self._killed:
            raise AirflowException("The task was told to stop before dbt was started.")
        try:
            process = self._process = DbtProcess(words, Path(self.project_dir), environment, self._supervisor)
        except (OSError, ValueError) as error:
            raise AirflowException(f"dbt could not be started as {self.dbt_executable!r}: {error}") from None
        try:
            return process.wait(lambda line: self.log.info("%s", line)), process
        except UnsupervisedError as error:
            raise AirflowException(str(error)) from None

    def _ask(self, words: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
        """Run a command that tells something, and return its exit code and what it said."""
        try:
            done = subprocess.run(
                [*words],
                cwd=self.project_dir,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_LONGEST_LOOK,
                check=False,
            )
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            return 2, "", str(error)
        return done.returncode, done.stdout, done.stderr

    def _tell(self, context: Context, outcome: Outcome) -> None:
        """Push what became of the try, which the task that failed cannot return; none of it decides anything."""
        if not self.do_xcom_push:
            return
        instance = context["ti"]
        instance.xcom_push(key=XCOM, value=json.loads(json.dumps(outcome.document)))
        if self.report_url:
            instance.xcom_push(key=REPORT_URL, value=str(self.report_url) if outcome.report else "")
