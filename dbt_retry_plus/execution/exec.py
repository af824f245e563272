"""Running a dbt command with attempts from the start; dbt sets it up, records it and judges it as always."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from dbt_retry_plus.checks.levels import check_codes, settled, stop_on_errors
from dbt_retry_plus.dbtcore.errors import as_dbt_error
from dbt_retry_plus.dbtcore.exec_tasks import as_failure, attempting, invoke_in_dbt, what_ended
from dbt_retry_plus.dbtcore.project import graph_of
from dbt_retry_plus.dbtcore.running import RunningInvocation, running_invocation
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.execution.announce import log_findings
from dbt_retry_plus.execution.attempting import NodeAttempts, wishes_of
from dbt_retry_plus.execution.attempts import Attempts
from dbt_retry_plus.execution.exec_account import ExecAccount
from dbt_retry_plus.execution.handing_out import wanted_reports
from dbt_retry_plus.plugin_manager import load_plugins
from dbt_retry_plus.plugin_settings import with_plugin_settings
from dbt_retry_plus.recording.begin import mark_as_exec, recorder_of_command
from dbt_retry_plus.reporting.outputs import take_away
from dbt_retry_plus.settings import read_settings


def run_with_attempts(context: Any, words: Sequence[str], options: Mapping[str, Any]) -> tuple[Any, bool]:
    """Run a dbt command.

    Args:
        context: The click context of our command.
        words: The command and its arguments.
        options: The options of ours.

    Returns:
        dbt's result object, and whether dbt calls it a success.
    """
    return _Exec(options).run(context, words)


class _Exec:
    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._began = datetime.now(timezone.utc)
        self._account: ExecAccount | None = None
        self._refused = False

    def run(self, context: Any, words: Sequence[str]) -> tuple[Any, bool]:
        mark_as_exec()
        try:
            with attempting(self._begin):
                results, success = invoke_in_dbt(context, words)
        except BaseException as error:
            self._ended(success=False, error=what_ended(error))
            raise
        self._ended(success=success)
        if not success or (self._account is not None and self._account.attempts.too_flaky()):
            raise as_failure(results)
        return results, success

    def _begin(self, manifest: Any) -> Attempts:
        """Make ready for the nodes, once dbt knows them and before it runs one."""
        try:
            self._account = self._made(_running(), manifest)
        except RetryRefusedError as refusal:
            self._refused = True
            raise as_dbt_error(refusal) from None
        return self._account.attempts.account

    def _ended(self, *, success: bool, error: BaseException | None = None) -> None:
        recorder = recorder_of_command()
        if self._account is None and recorder is not None and not self._refused:
            try:  # dbt came to load the project, and not to begin with its nodes
                self._account = self._made(recorder.running, None)
            except RetryRefusedError:
                return
        if self._account is not None:
            self._account.ended(success=success, error=error)

    def _made(self, running: RunningInvocation, manifest: Any) -> ExecAccount:
        options, recorder = self._options, recorder_of_command()
        settings = read_settings(running.project_root, os.environ)
        check_codes(settings.checks)
        plugins = load_plugins(settings, running.project_root, options["plugin"], options["no_plugin"])
        settings, failed = with_plugin_settings(settings, plugins, running.project_root)
        findings = settled([*plugins.problems(), *failed], settings.checks, force=False)
        stop_on_errors(findings)
        log_findings(findings)
        graph = graph_of(manifest) if manifest is not None else {}
        attempts = NodeAttempts(settings, plugins, wishes_of(settings, options), graph, recorder)
        outputs = wanted_reports(options["report"], plugins, running.target_path)
        take_away(outputs)
        return ExecAccount(
            running=running,
            settings=settings,
            plugins=plugins,
            outputs=outputs,
            graph=graph,
            manifest=manifest,
            attempts=attempts,
            record=recorder.folder if recorder else None,
            began=self._began,
        )


def _running() -> RunningInvocation:
    running = running_invocation()
    if running is None:
        raise RetryRefusedError("dbt has not set up this command. Run it as `dbt retry-plus exec`.")
    return running
