"""What the user asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dbt_retry_plus.dbtcore.running import RunningInvocation
from dbt_retry_plus.execution.attempts import AttemptWishes
from dbt_retry_plus.planning.rebuild import RebuildRules
from dbt_retry_plus.plugin_manager import Plugins
from dbt_retry_plus.reporting.outputs import ReportOutput
from dbt_retry_plus.settings import LEDGER_FOLDER, Settings
from dbt_retry_plus.types import Finding


@dataclass(frozen=True)
class RetryRequest:
    """What the user asked for.

    Attributes:
        running: The invocation of this process.
        settings: What the project and its environment set.
        plugins: The plugins.
        given: dbt's options given on this command line.
        flags: dbt's resolved flags of this command.
        state: The folder that `--state` names, which holds the results to retry.
        invocation: The beginning of the id of the invocation to retry; the newest one when None.
        expected_invocation: The beginning of the id of the only invocation that may be retried.
        replace_vars: Whether `--vars` replaces the recorded vars.
        allow_target_change: Whether another target or profile than the original's is accepted.
        merge_results: Whether `run_results.json` becomes that of the whole command.
        rules: What is rebuilt besides what is unproven.
        narrowing: dbt's selection options given now, by their dbt names.
        dry_run: Whether only the plan is wanted.
        confirm: Whether the user is asked before anything runs.
        as_json: Whether the plan is printed as one JSON document.
        force: Whether errors that can be passed are.
        ledger_optional: Whether a store that cannot be reached does not stop the retry.
        check_relations: Whether the warehouse is asked for the proven nodes that the retry set reads.
        plugin_options: Their options given on this command line.
        reports: The reports that are written at the end.
        attempts: What was asked for about attempts.
        found_before: What was found before there was a record to check.
    """

    running: RunningInvocation
    settings: Settings
    plugins: Plugins
    given: Mapping[str, Any]
    flags: Any
    state: str | None = None
    invocation: str | None = None
    expected_invocation: str | None = None
    replace_vars: bool = False
    allow_target_change: bool = False
    merge_results: bool = True
    rules: RebuildRules = field(default_factory=RebuildRules)
    narrowing: Mapping[str, Any] = field(default_factory=dict)
    dry_run: bool = False
    confirm: bool = False
    as_json: bool = False
    force: bool = False
    ledger_optional: bool = False
    check_relations: bool = False
    plugin_options: Mapping[str, Any] = field(default_factory=dict)
    reports: tuple[ReportOutput, ...] = ()
    attempts: AttemptWishes = field(default_factory=AttemptWishes)
    found_before: tuple[Finding, ...] = ()

    @property
    def project_root(self) -> Path:
        """The project's folder."""
        return self.running.project_root

    @property
    def project_name(self) -> str:
        """The project's name."""
        return self.running.project_name

    @property
    def target_path(self) -> Path:
        """The folder of dbt's artifacts."""
        return self.running.target_path

    @property
    def work_folder(self) -> Path:
        """Where a retry keeps its lock beside the artifacts, wherever the ledger is."""
        return self.target_path / LEDGER_FOLDER

    @property
    def folder(self) -> Path:
        """Where the results to retry are."""
        return self.project_root / self.state if self.state else self.target_path
