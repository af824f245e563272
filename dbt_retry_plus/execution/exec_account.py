"""The account of a command with attempts: its report is made from its record, and handed out like that of a retry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from dbt_retry_plus.dbtcore.project import compiled_paths
from dbt_retry_plus.dbtcore.running import RunningInvocation, dbt_version
from dbt_retry_plus.execution.attempting import NodeAttempts
from dbt_retry_plus.execution.handing_out import guarded, hand_out, with_flaky_history, without_secrets
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.ledger.recorded import recorded_in, rows_of
from dbt_retry_plus.ledger.reports import REPORT, keep_report
from dbt_retry_plus.ledger.run_results import RUN_RESULTS
from dbt_retry_plus.plugin_manager import Plugins
from dbt_retry_plus.reporting.first_run import report_of_first_run
from dbt_retry_plus.reporting.outputs import ReportOutput
from dbt_retry_plus.settings import Settings, ledger_folder
from dbt_retry_plus.types import Graph, Invocation


@dataclass(frozen=True)
class ExecAccount:
    """Gives account of one command; what goes wrong with that is a warning, and never changes what it came to.

    Attributes:
        running: The command's invocation.
        settings: What the project and its environment set.
        plugins: The plugins.
        outputs: The reports that were asked for.
        graph: The project.
        manifest: dbt's manifest, which knows more when the command has ended; None where dbt did not come to make one.
        attempts: What happened beyond one success for each node.
        record: The invocation's own folder on the ledger, where it is recorded.
        began: When it began (UTC).
    """

    running: RunningInvocation
    settings: Settings
    plugins: Plugins
    outputs: tuple[ReportOutput, ...]
    graph: Graph
    manifest: Any
    attempts: NodeAttempts
    record: Path | None
    began: datetime

    def ended(self, *, success: bool, error: BaseException | None = None) -> None:
        """Give account of the command, once its record is complete.

        Args:
            success: What dbt said of it.
            error: What ended it, where it did not come to its end.
        """
        said = str(error) if isinstance(error, Exception) else None
        guarded(self._give, {"ended": error is None, "succeeded": success, "error": said})

    def _give(self, end: Mapping[str, Any]) -> None:
        ledger = LocalLedger(ledger_folder(self.settings, self.running.project_root, self.running.target_path))
        invocation = replace(self._invocation(), **end, failed_attempts=self.attempts.failed)
        paths = compiled_paths(self.manifest, invocation.outcomes) if self.manifest else {}
        report = with_flaky_history(report_of_first_run(invocation, self.graph, paths), ledger, invocation)
        report, document = without_secrets(report)
        if self.record is not None:
            guarded(keep_report, self.record / REPORT, document)
        hand_out(report, self.plugins, self.settings, self.outputs)

    def _invocation(self) -> Invocation:
        running = self.running
        rows = rows_of(running.target_path / RUN_RESULTS, running.invocation_id)
        found = recorded_in(self.record) or Invocation(
            invocation_id=running.invocation_id,
            command=running.command,
            arguments={},
            outcomes={},
            source="",
            started_at=self.began,
            dbt_version=dbt_version(),
            project=running.project_name,
            profile=running.profile_name,
            target=running.target_name,
        )
        took = datetime.now(timezone.utc) - (found.started_at or self.began)
        outcomes = {**found.outcomes, **{row.unique_id: row for row in rows}}
        return replace(found, outcomes=outcomes, duration=took.total_seconds())
