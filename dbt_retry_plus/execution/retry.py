"""The whole of a retry, from the record to dbt's results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbt_retry_plus.dbtcore.events import log_info, log_warning
from dbt_retry_plus.dbtcore.flags import accepted_options, activate_flags, current_values
from dbt_retry_plus.dbtcore.project import default_target, load_config, load_manifest
from dbt_retry_plus.dbtcore.results import nothing_ran, run_task
from dbt_retry_plus.dbtcore.tasks import ResumedTask, resumed_task
from dbt_retry_plus.ledger.run_results import RUN_RESULTS, read_run_results
from dbt_retry_plus.planning.arguments import check_target, effective_arguments
from dbt_retry_plus.planning.retry_set import plan_retry, without_missing_nodes
from dbt_retry_plus.types import Chain, EffectiveArguments, Invocation, Plan


@dataclass(frozen=True)
class RetryRequest:
    """What the user asked for.

    Attributes:
        folder: Where the results to retry are: the target folder, or what `--state` names.
        given: dbt's options given on this command line.
        flags: dbt's resolved flags of this command.
        replace_vars: Whether `--vars` replaces the recorded vars.
        allow_target_change: Whether another target or profile than the original's is accepted.
    """

    folder: Path
    given: Mapping[str, Any]
    flags: Any
    replace_vars: bool = False
    allow_target_change: bool = False


def retry(request: RetryRequest) -> tuple[Any, bool]:
    """Retry what the newest invocation in the folder left unproven.

    Returns:
        dbt's result object, and whether dbt calls it a success.

    Raises:
        RetryRefusedError: There is nothing that can be retried, or an argument cannot be honoured.
    """
    invocation = read_run_results(request.folder)
    chain = Chain((invocation,), invocation.outcomes)
    arguments = _arguments(request, invocation)
    flags = activate_flags(arguments)
    plan = plan_retry(chain, retry_warnings=bool(flags.WARN_ERROR))
    if plan.is_empty:
        return _nothing_to_do(request, chain)
    config = load_config(flags)
    manifest, catalogs = load_manifest(flags, config, arguments.command)
    task = resumed_task(arguments.command, flags, config, manifest, catalogs)
    if isinstance(task, ResumedTask):
        plan = without_missing_nodes(plan, task.present_nodes())
        _log_findings(plan)
        if plan.is_empty:
            return _nothing_to_do(request, chain)
        task.resume(plan, _selection(task, chain), chain)
    return run_task(task)


def _arguments(request: RetryRequest, invocation: Invocation) -> EffectiveArguments:
    if not request.allow_target_change and request.given.keys() & {"target", "profile"}:
        recorded = {**default_target(request.flags), **_named_target(invocation)}
        check_target(request.given, recorded, invocation)
    return effective_arguments(
        invocation,
        request.given,
        current_values(),
        accepted_options(invocation.command),
        replace_vars=request.replace_vars,
    )


def _named_target(invocation: Invocation) -> dict[str, str]:
    return {
        name: str(invocation.arguments[name])
        for name in ("target", "profile")
        if invocation.arguments.get(name) is not None
    }


def _selection(task: ResumedTask, chain: Chain) -> frozenset[str]:
    recorded = frozenset(chain.outcomes)
    resolved = task.original_selection()
    return recorded if resolved is None else recorded | resolved


def _log_findings(plan: Plan) -> None:
    for finding in plan.findings:
        log_warning(finding.sentence)


def _nothing_to_do(request: RetryRequest, chain: Chain) -> tuple[Any, bool]:
    invocation = chain.original
    log_info(
        f"Nothing to retry: all {len(chain.outcomes)} nodes of `dbt {invocation.command_line_name}` "
        f"({invocation.short_id}) are proven."
    )
    return nothing_ran(invocation.command, request.folder / RUN_RESULTS), True
