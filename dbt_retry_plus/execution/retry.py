"""The whole of a retry, from the record to dbt's results."""

from __future__ import annotations

import sys
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from dbt_retry_plus.checks.levels import settled
from dbt_retry_plus.commands import COMMANDS_WITH_HOOK_NODES
from dbt_retry_plus.dbtcore.events import log_info, log_warning
from dbt_retry_plus.dbtcore.project import write_parsed_manifest
from dbt_retry_plus.dbtcore.results import nothing_ran, run_task
from dbt_retry_plus.dbtcore.running import environment_of, resolved_arguments
from dbt_retry_plus.dbtcore.tasks import ResumedTask
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.execution.account import Account
from dbt_retry_plus.execution.announce import ask, log_findings, log_plan_in_short, show_plan
from dbt_retry_plus.execution.attempting import NodeAttempts
from dbt_retry_plus.execution.prepare import Prepared, prepare
from dbt_retry_plus.execution.request import RetryRequest
from dbt_retry_plus.execution.shared_ledger import SharedLedger
from dbt_retry_plus.execution.unresolved import unresolved_elsewhere
from dbt_retry_plus.ledger.adopt import adopt
from dbt_retry_plus.ledger.find import Records, overtaken, read_records
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.ledger.lock import only_retry, refuse_second_retry
from dbt_retry_plus.ledger.merged_results import publish_results
from dbt_retry_plus.ledger.planned import planned_entry
from dbt_retry_plus.ledger.run_results import RUN_RESULTS
from dbt_retry_plus.planning.rebuild import data_above
from dbt_retry_plus.recording.begin import begin_recording
from dbt_retry_plus.recording.recorder import Recorder
from dbt_retry_plus.reporting.closing_line import age_of, closing_line
from dbt_retry_plus.reporting.outputs import take_away
from dbt_retry_plus.reporting.plan import proven_nodes
from dbt_retry_plus.settings import LEDGER_FOLDER, ledger_folder
from dbt_retry_plus.texts import some_of
from dbt_retry_plus.types import Chain, Graph, Plan

if TYPE_CHECKING:
    from dbt_retry_plus.ledger.claims import Claim
    from dbt_retry_plus.ledger.remote import RemoteLedger


def retry(request: RetryRequest) -> tuple[Any, bool]:
    """Retry what an invocation, and the retries of it, left unproven.

    Returns:
        dbt's result object, and whether dbt calls it a success.

    Raises:
        RetryRefusedError: There is nothing that can be retried, or an argument cannot be honoured.
    """
    refuse_second_retry(request.work_folder)
    if not request.dry_run:
        take_away(request.reports)
    own_ledger = LocalLedger(ledger_folder(request.settings, request.project_root, request.target_path))
    ledger = LocalLedger(request.folder / LEDGER_FOLDER) if request.state else own_ledger
    shared = SharedLedger(request, own_ledger)
    shared.fetch()
    request = replace(request, found_before=(*request.found_before, *shared.findings))
    records = read_records(ledger, request.folder, request.project_name)
    chain = _wanted(request, records, shared)
    if request.dry_run:
        return show_plan(prepare(request, records, chain), as_json=request.as_json)
    account = Account(request, own_ledger, chain)
    with account.of_refusals():
        prepared = account.prepared = prepare(request, records, chain)
        log_findings(prepared.findings)
        if prepared.plan.is_empty:
            if shared.fetch_rest():
                records = read_records(ledger, request.folder, request.project_name)
            results, success = _nothing_to_do(request, records, prepared)
            account.nothing_ran()
            return results, success
    if request.confirm:
        ask(prepared)
    elif sys.stdout.isatty():
        log_plan_in_short(prepared)
    with account.of_refusals():
        return _Execution(request, records, own_ledger, shared, prepared, account).run()


class _Execution:
    """Runs what is prepared, and sees to it that all of it is on record."""

    def __init__(
        self,
        request: RetryRequest,
        records: Records,
        own_ledger: LocalLedger,
        shared: SharedLedger,
        prepared: Prepared,
        account: Account,
    ) -> None:
        self._request = request
        self._records = records
        self._own_ledger = own_ledger
        self._shared = shared
        self._prepared = prepared
        self._account = account

    def run(self) -> tuple[Any, bool]:
        """Run the retry set, unless another retry came first, and give account of it."""
        try:
            results, success = self._execute()
        except BaseException as error:
            self._account.ended(success=False, error=error)
            raise
        log_info(closing_line(self._prepared.chain, self._prepared.plan, datetime.now(timezone.utc)))
        self._account.ended(success=success)
        attempts = self._account.attempts
        return results, success and not (attempts is not None and attempts.too_flaky())

    def _execute(self) -> tuple[Any, bool]:
        prepared = self._prepared
        environment = environment_of(prepared.config)
        with only_retry(self._request.work_folder), self._shared.claimed(prepared.chain, environment) as claimed:
            self._refuse_overtaken()
            write_parsed_manifest(prepared.flags, prepared.config, prepared.manifest)
            recorder = self._record(environment, claimed)
            self._observe("retry_plus_before_execution")
            self._give_attempts(recorder)
            success = False
            try:
                results, success = self._run_task(recorder)
                success = success and _nothing_left_out(prepared.plan)
            finally:
                self._observe("retry_plus_after_execution", success=success)
        return results, success

    def _give_attempts(self, recorder: Recorder | None) -> None:
        request, graph = self._request, self._prepared.graph
        attempts = NodeAttempts(request.settings, request.plugins, request.attempts, graph, recorder)
        self._prepared.task.set_attempts(attempts.account)
        self._account.attempts = attempts

    def _observe(self, hook: str, **arguments: Any) -> None:
        request = self._request
        findings = request.plugins.observe(hook, retry=self._prepared.as_planned, **arguments)
        log_findings(settled(findings, request.settings.checks, force=False))

    def _refuse_overtaken(self) -> None:
        """Refuse to run a plan that another retry has made untrue while it was made."""
        named = self._prepared.chain if self._request.invocation else None
        if overtaken(self._records, self._request.project_name, named):
            raise RetryRefusedError(
                "Another dbt command began in the same target folder while this retry was planned. Try again."
            )

    def _record(self, environment: str, claimed: tuple[RemoteLedger, Claim | None] | None) -> Recorder | None:
        """Begin the record, with what this retry builds on already in place."""
        request, prepared = self._request, self._prepared
        chain, command = prepared.chain, prepared.arguments.command
        config = prepared.config
        # What dbt set up for this command is its defaults; the retry runs where the original ran.
        running = replace(
            request.running,
            profile_name=config.profile_name,
            target_name=config.target_name,
            schema=config.credentials.schema,
            environment=environment,
        )
        remote, claim = claimed or (None, None)
        latest = chain.latest.invocation_id
        recorder = begin_recording(running, command=command, retry_of=latest, remote=remote, claim=claim)
        if recorder is not None:
            try:
                adopt(chain, self._own_ledger, request.project_name, request.folder, self._records.ledger)
            except OSError as error:
                log_warning(f"dbt-retry-plus could not put what is retried on its ledger: {error}")
            recorder.ship_also(self._shared.lacking(chain))
            recorder.write_state_of(prepared.manifest)
            all_nodes = command in COMMANDS_WITH_HOOK_NODES
            whole = [outcome.unique_id for outcome in chain.outcomes.values() if all_nodes or not outcome.is_hook]
            recorder.write_retry_set(
                list(prepared.plan.nodes),
                [*dict.fromkeys([*whole, *prepared.plan.nodes])],
                resolved_arguments(),
                command,
                planned_entry(prepared.plan, prepared.findings),
            )
        return recorder

    def _run_task(self, recorder: Recorder | None) -> tuple[Any, bool]:
        request, prepared = self._request, self._prepared
        raw = (recorder.folder if recorder else request.work_folder) / RUN_RESULTS
        raw.unlink(missing_ok=True)
        resumed = isinstance(prepared.task, ResumedTask)
        if resumed:
            prepared.task.resume(prepared.plan, prepared.selection, prepared.chain, raw, _afresh(prepared))
        try:
            return run_task(prepared.task)
        finally:
            self._account.note_outcomes(recorder.folder if recorder else None, raw)
            if resumed:
                present = _reported(prepared.graph)
                publish_results(raw, request.target_path, prepared.chain, present, merge=request.merge_results)
            if recorder is None:
                raw.unlink(missing_ok=True)


def _afresh(prepared: Prepared) -> AbstractSet[str]:
    """The nodes of which no batch counts as done: they changed, or what they read does, or all is asked for now."""
    if getattr(prepared.flags, "FULL_REFRESH", False) and prepared.arguments.sources.get("full_refresh") != "recorded":
        return prepared.plan.nodes.keys()
    done_in_part = (u for u in prepared.plan.nodes if u in prepared.chain.outcomes and _has_parts(prepared.chain, u))
    rebuilt_above = {u for u in done_in_part if data_above(u, prepared.graph) & prepared.plan.nodes.keys()}
    return prepared.comparison.modified.keys() | rebuilt_above


def _has_parts(chain: Chain, unique_id: str) -> bool:
    outcome = chain.outcomes[unique_id]
    return bool(outcome.batch_results or outcome.finished_batches or outcome.overload_results)


def _nothing_to_do(request: RetryRequest, records: Records, prepared: Prepared) -> tuple[Any, bool]:
    original = prepared.chain.original
    nodes = len(proven_nodes(prepared.chain, prepared.plan))
    results = nothing_ran(original.command, request.folder / RUN_RESULTS)
    if not _nothing_left_out(prepared.plan):
        return results, False
    age = age_of(prepared.chain, datetime.now(timezone.utc))
    command = f"`dbt {original.command_line_name}` ({original.short_id}{age})"
    log_info(f"Nothing to retry: all {nodes} nodes of {command} are proven.")
    for line in unresolved_elsewhere(records, prepared.chain):
        log_warning(line)
    return results, True


def _nothing_left_out(plan: Plan) -> bool:
    """Whether nothing that should run was taken out; if so it is said, and the retry is not green."""
    if plan.left_out:
        shown = some_of(plan.left_out)
        log_warning(f"Left out of the retry set, and not proven: {shown}. Retry again to run the rest.")
    return not plan.left_out


def _reported(graph: Graph) -> frozenset[str]:
    """The nodes that dbt writes a row for."""
    return frozenset(unique_id for unique_id, node in graph.items() if not node.ephemeral)


def _wanted(request: RetryRequest, records: Records, shared: SharedLedger) -> Chain:
    try:
        wanted = records.id_of(request.invocation) if request.invocation else records.newest_id()
    except RetryRefusedError as refusal:
        raise RetryRefusedError(f"{refusal}{shared.hint()}") from None
    chain, expected = records.chain(wanted), request.expected_invocation
    if expected and not any(link.invocation_id.startswith(expected) for link in chain.invocations):
        raise RetryRefusedError(
            f"The invocation to retry is {wanted}, and --expect-invocation asks for {expected!r}. "
            "Run the original dbt command instead, or name what to retry with --invocation."
        )
    return chain
