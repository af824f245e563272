"""The account of a retry: its report is made, kept on the ledger, and handed to plugins and to whoever asked for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from dbt_retry_plus.checks.levels import StoppedByFindingsError
from dbt_retry_plus.dbtcore.project import compiled_paths
from dbt_retry_plus.dbtcore.running import dbt_version
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.execution.attempting import NodeAttempts
from dbt_retry_plus.execution.handing_out import guarded, hand_out, with_flaky_history, without_secrets
from dbt_retry_plus.execution.prepare import Prepared
from dbt_retry_plus.execution.request import RetryRequest
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.ledger.recorded import recorded_in, rows_of
from dbt_retry_plus.ledger.reports import LAST_REPORT, REPORT, keep_report
from dbt_retry_plus.ledger.run_results import RUN_RESULTS
from dbt_retry_plus.planning.retry_set import plan_retry
from dbt_retry_plus.reporting.report import make_report
from dbt_retry_plus.types import Chain, EffectiveArguments, Finding, Invocation, Outcome, RetryReport


class Account:
    """Gives account of one retry; what goes wrong with that is a warning, and never changes what the retry came to."""

    def __init__(self, request: RetryRequest, ledger: LocalLedger, chain: Chain) -> None:
        """Begin.

        Args:
            request: What the user asked for.
            ledger: Where the retry is, or would be, recorded.
            chain: What is retried.
        """
        self.prepared: Prepared | None = None
        self.attempts: NodeAttempts | None = None
        self._request = request
        self._ledger = ledger
        self._chain = chain
        self._began = datetime.now(timezone.utc)
        self._record: Path | None = None
        self._after: Invocation | None = None

    @contextmanager
    def of_refusals(self) -> Iterator[None]:
        """Give account of a retry that is refused in this block."""
        try:
            yield
        except RetryRefusedError as refusal:
            guarded(self._refused, refusal)
            raise

    def nothing_ran(self) -> None:
        """Give account of a retry that had nothing to do."""
        guarded(self._give, replace(self._own_invocation(), ended=True, succeeded=True))

    def note_outcomes(self, record: Path | None, results: Path) -> None:
        """Read what became of the nodes, while all of that is still there.

        Args:
            record: The retry's own folder on the ledger, where it is recorded.
            results: What dbt wrote of the retry alone.
        """
        guarded(self._note, record, results)

    def ended(self, *, success: bool, error: BaseException | None = None) -> None:
        """Give account of a retry that executed nodes.

        Args:
            success: What dbt said of it.
            error: What ended it, where it did not come to its end.
        """
        if self._after is not None:
            said = str(error) if isinstance(error, Exception) else None
            after = replace(self._after, ended=error is None, succeeded=success, error=said)
            guarded(self._give, after)

    def _note(self, record: Path | None, results: Path) -> None:
        recorded = recorded_in(record)
        if recorded is not None:
            self._record = record
        invocation = recorded or self._own_invocation()
        own: dict[str, Outcome] = {}
        for path in (results, self._request.target_path / RUN_RESULTS):  # dbt writes an operation's to the latter
            own = own or {row.unique_id: row for row in rows_of(path, self._request.running.invocation_id)}
        failed = self.attempts.failed if self.attempts else {}
        outcomes = {**invocation.outcomes, **own}
        self._after = replace(invocation, outcomes=outcomes, error=None, failed_attempts=failed)

    def _own_invocation(self) -> Invocation:
        running, prepared = self._request.running, self.prepared
        return Invocation(
            invocation_id=running.invocation_id,
            command=self._chain.original.command,
            arguments={},
            outcomes={},
            source="",
            started_at=self._began,
            selection=frozenset(prepared.plan.nodes) if prepared else frozenset(),
            dbt_version=dbt_version(),
            project=running.project_name,
            profile=prepared.config.profile_name if prepared and prepared.config else running.profile_name,
            target=prepared.config.target_name if prepared and prepared.config else running.target_name,
        )

    def _refused(self, refusal: RetryRefusedError) -> None:
        findings = refusal.findings if isinstance(refusal, StoppedByFindingsError) else ()
        self._give(self._own_invocation(), str(refusal), findings)

    def _give(self, after: Invocation, refusal: str | None = None, findings: Sequence[Finding] = ()) -> None:
        report, document = without_secrets(self._made(after, refusal, findings))
        self._keep(document, refused=refusal is not None)
        hand_out(report, self._request.plugins, self._request.settings, self._request.reports)

    def _made(self, after: Invocation, refusal: str | None, findings: Sequence[Finding]) -> RetryReport:
        prepared, chain = self.prepared, self._chain
        took = datetime.now(timezone.utc) - (after.started_at or self._began)
        after = replace(after, duration=took.total_seconds())
        if prepared is None:
            values = {**chain.latest.arguments, **self._request.given}
            sources = {name: "command line" if name in self._request.given else "recorded" for name in values}
            arguments = EffectiveArguments(chain.original.command, values, sources)
            return make_report(chain, arguments, plan_retry(chain), findings, after, refusal=refusal)
        report = make_report(
            prepared.chain,
            prepared.arguments,
            prepared.plan,
            (*prepared.findings, *findings),
            after,
            graph=prepared.graph,
            compiled_paths=compiled_paths(prepared.manifest, prepared.plan.nodes) if prepared.manifest else {},
            refusal=refusal,
        )
        return with_flaky_history(report, self._ledger, after)

    def _keep(self, document: dict[str, Any], *, refused: bool) -> None:
        if self._record is not None:
            guarded(keep_report, self._record / REPORT, document)
        elif refused and self._request.settings.record and self._ledger.folder.is_dir():
            guarded(keep_report, self._ledger.folder / LAST_REPORT, document)
