"""All of a retry that comes before anything runs: what is retried, with which arguments, and which nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from dbt_retry_plus.dbtcore.flags import accepted_options, activate_flags, current_values
from dbt_retry_plus.dbtcore.project import default_target, graph_of, load_config, load_manifest
from dbt_retry_plus.dbtcore.relations import missing_relations
from dbt_retry_plus.dbtcore.tasks import ResumedTask, resumed_task
from dbt_retry_plus.execution.comparison import compare_with_record
from dbt_retry_plus.execution.request import RetryRequest
from dbt_retry_plus.ledger.find import Records
from dbt_retry_plus.ledger.run_results import nodes_of_manifest
from dbt_retry_plus.planning.arguments import check_place, check_recorded, check_target, effective_arguments
from dbt_retry_plus.planning.narrow import narrowed
from dbt_retry_plus.planning.rebuild import parents_to_check, with_rebuilt
from dbt_retry_plus.planning.retry_set import fit_to_graph, may_be_empty, plan_retry
from dbt_retry_plus.planning.selection import complete_chain
from dbt_retry_plus.types import Chain, EffectiveArguments, Graph, Invocation, Plan, StateComparison
from dbt_retry_plus.words import Changed

_NO_GRAPH: Graph = MappingProxyType({})


@dataclass(frozen=True)
class Prepared:
    """A retry that is ready to run.

    Attributes:
        chain: What is retried, with its whole selection.
        arguments: What it runs with.
        plan: What will run.
        comparison: What changed since.
        graph: Today's project; empty where there was no need to load it.
        selection: The original command's selection, today's nodes of it included.
        flags: dbt's flags of the original command.
        config: dbt's configuration; None where the project was not loaded.
        manifest: dbt's manifest; None likewise.
        task: dbt's task; None likewise.
    """

    chain: Chain
    arguments: EffectiveArguments
    plan: Plan
    comparison: StateComparison
    graph: Graph
    selection: frozenset[str]
    flags: Any
    config: Any = None
    manifest: Any = None
    task: Any = None


def prepare(request: RetryRequest, records: Records, chain: Chain) -> Prepared:
    """Plan a retry; nothing is run or written.

    Args:
        request: What the user asked for.
        records: What is on record.
        chain: What is retried.

    Raises:
        RetryRefusedError: An argument cannot be honoured.
    """
    flags, arguments = activate_flags(_arguments(request, chain))
    retry_warnings = bool(flags.WARN_ERROR)
    plan = plan_retry(chain, retry_warnings=retry_warnings)
    if plan.is_empty and may_be_empty(chain) and request.rules.changed is not Changed.ALL:
        return Prepared(chain, arguments, plan, StateComparison(), _NO_GRAPH, frozenset(), flags)
    known_before = nodes_of_manifest(request.folder, chain.original)
    config = load_config(flags)
    if not request.allow_target_change:
        check_place(chain.original, profile=config.profile_name, target=config.target_name)
    manifest, catalogs = load_manifest(flags, config)
    task = resumed_task(arguments.command, flags, config, manifest, catalogs)
    loaded = Prepared(
        chain, arguments, plan, StateComparison(), graph_of(manifest), frozenset(), flags, config, manifest, task
    )
    if not isinstance(task, ResumedTask):
        return loaded
    resolved = task.original_selection()
    chain, findings = complete_chain(chain, loaded.graph, resolved, known_before)
    plan = replace(plan_retry(chain, retry_warnings=retry_warnings), findings=findings)
    selection = frozenset(chain.outcomes) | (resolved or frozenset())
    return _with_changes(request, records, replace(loaded, chain=chain, plan=plan, selection=selection))


def _with_changes(request: RetryRequest, records: Records, prepared: Prepared) -> Prepared:
    """Let what changed since have its say, and then the user."""
    chain, graph, task = prepared.chain, prepared.graph, prepared.task
    comparison = StateComparison()
    if request.rules.changed is not Changed.NONE:
        comparison = compare_with_record(chain, records, prepared.manifest)
    plan = fit_to_graph(prepared.plan, chain, graph, comparison)
    looked_for = parents_to_check(plan, chain, graph, comparison)
    if getattr(prepared.flags, "DEFER", False):  # they are read where the deferral says
        looked_for = frozenset()
    unbuilt = missing_relations(prepared.config, prepared.manifest, looked_for)
    plan = with_rebuilt(plan, chain, graph, comparison, request.rules, unbuilt)
    if request.narrowing:
        plan = narrowed(plan, task.selected_by(request.narrowing))
    return replace(prepared, plan=plan, comparison=comparison)


def _arguments(request: RetryRequest, chain: Chain) -> EffectiveArguments:
    base = _latest_of_command(chain)
    if not request.allow_target_change and request.given.keys() & {"target", "profile"}:
        recorded = {**default_target(request.flags), **_place(chain.original), **_named_target(base)}
        check_target(request.given, recorded, base)
    check_recorded(base, request.given, replace_vars=request.replace_vars)
    return effective_arguments(
        base,
        request.given,
        current_values(),
        accepted_options(base.command),
        replace_vars=request.replace_vars,
    )


def _latest_of_command(chain: Chain) -> Invocation:
    """The newest link that knows the original command's arguments: a retry that failed early knows its own alone."""
    return next(link for link in reversed(chain.invocations) if link.command == chain.original.command)


def _place(original: Invocation) -> Mapping[str, str]:
    place = {"profile": original.profile, "target": original.target}
    return {name: value for name, value in place.items() if value is not None}


def _named_target(invocation: Invocation) -> Mapping[str, str]:
    return {
        name: str(invocation.arguments[name])
        for name in ("target", "profile")
        if invocation.arguments.get(name) is not None
    }
