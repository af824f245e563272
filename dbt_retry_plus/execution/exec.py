"""Running a dbt command with attempts from the start; dbt sets it up, records it and judges it as always."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dbt_retry_plus.checks.levels import check_codes, settled, stop_on_errors
from dbt_retry_plus.dbtcore.errors import as_dbt_error
from dbt_retry_plus.dbtcore.exec_tasks import as_failure, attempting, invoke_in_dbt
from dbt_retry_plus.dbtcore.project import graph_of
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.execution.announce import log_findings
from dbt_retry_plus.execution.attempting import NodeAttempts, wishes_of
from dbt_retry_plus.execution.attempts import Attempts
from dbt_retry_plus.plugin_manager import load_plugins
from dbt_retry_plus.recording.begin import recorder_of_command
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
    made: list[NodeAttempts] = []

    def account(config: Any, manifest: Any) -> Attempts:
        try:
            made.append(_attempts(config, manifest, options))
        except RetryRefusedError as refusal:
            raise as_dbt_error(refusal) from None
        return made[-1].account

    with attempting(account):
        results, success = invoke_in_dbt(context, words)
    if success and any(attempts.too_flaky() for attempts in made):
        raise as_failure(results)
    return results, success


def _attempts(config: Any, manifest: Any, options: Mapping[str, Any]) -> NodeAttempts:
    root = Path(config.project_root)
    settings = read_settings(root, os.environ)
    check_codes(settings.checks)
    plugins = load_plugins(settings, root, options["plugin"], options["no_plugin"])
    findings = settled([*plugins.problems()], settings.checks, force=False)
    stop_on_errors(findings)
    log_findings(findings)
    return NodeAttempts(settings, plugins, wishes_of(settings, options), graph_of(manifest), recorder_of_command())
