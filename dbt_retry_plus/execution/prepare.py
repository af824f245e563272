"""All of a retry that comes before anything runs: what is retried, with which arguments, and which nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from dbt_retry_plus.checks.levels import settled, stop_on_errors
from dbt_retry_plus.dbtcore.flags import accepted_options, activate_flags, current_values
from dbt_retry_plus.dbtcore.project import (
    default_target,
    document_of,
    graph_of,
    load_config,
    load_manifest,
    place_of,
)
from dbt_retry_plus.dbtcore.relations import missing_relations
from dbt_retry_plus.dbtcore.tasks import ResumedTask, resumed_task
from dbt_retry_plus.execution.comparison import compare_with_record, with_changes, with_place
from dbt_retry_plus.execution.request import RetryRequest
from dbt_retry_plus.ledger.find import Records
from dbt_retry_plus.ledger.run_results import MANIFEST, identity_of, nodes_of_manifest
from dbt_retry_plus.planning.amend import amended
from dbt_retry_plus.planning.arguments import check_recorded, effective_arguments
from dbt_retry_plus.planning.narrow import narrowed
from dbt_retry_plus.planning.rebuild import parents_to_check, proven_above, with_rebuilt
from dbt_retry_plus.planning.retry_set import fit_to_graph, may_be_empty, plan_retry
from dbt_retry_plus.planning.selection import complete_chain
from dbt_retry_plus.types import (
    Addition,
    Chain,
    Change,
    EffectiveArguments,
    Finding,
    FoundRetry,
    Graph,
    Invocation,
    Place,
    Plan,
    PlannedRetry,
    Removal,
    StateComparison,
)
from dbt_retry_plus.types.read_only import ReadOnlyDocument
from dbt_retry_plus.words import Changed


@dataclass(frozen=True)
class Prepared:
    """A retry that is ready to run.

    Attributes:
        found: What is known from the record.
        chain: What is retried, with its whole selection.
        arguments: What it runs with.
        plan: What will run.
        flags: dbt's flags of the original command.
        findings: What the checks said, as settings and `--force` have it.
        comparison: What changed since.
        graph: Today's project; empty where there was no need to load it.
        selection: The original command's selection, today's nodes of it included.
        missing_relations: Proven nodes above the retry set that the warehouse lacks.
        config: dbt's configuration; None where the project was not loaded.
        manifest: dbt's manifest; None likewise.
        task: dbt's task; None likewise.
    """

    found: FoundRetry
    chain: Chain
    arguments: EffectiveArguments
    plan: Plan
    flags: Any
    findings: tuple[Finding, ...] = ()
    comparison: StateComparison = field(default_factory=StateComparison)
    graph: Graph = field(default_factory=dict)
    selection: frozenset[str] = frozenset()
    missing_relations: frozenset[str] = frozenset()
    config: Any = None
    manifest: Any = None
    task: Any = None

    @property
    def as_planned(self) -> PlannedRetry:
        """The retry as hooks are handed it."""
        manifest = ReadOnlyDocument(lambda: document_of(self.manifest))
        return PlannedRetry(
            **{**vars(self.found), "chain": self.chain},
            comparison=self.comparison,
            graph=self.graph,
            manifest=manifest,
            plan=self.plan,
            missing_relations=self.missing_relations,
        )


def prepare(request: RetryRequest, records: Records, chain: Chain) -> Prepared:
    """Plan a retry; nothing is run or written.

    Args:
        request: What the user asked for.
        records: What is on record.
        chain: What is retried.

    Raises:
        RetryRefusedError: An argument cannot be honoured, or a check stops the retry and it is no dry run.
    """
    recorded_place = _recorded_place(request, chain)
    flags, arguments = activate_flags(_arguments(request, chain))
    plan = plan_retry(chain, retry_warnings=bool(flags.WARN_ERROR))
    nothing_left = plan.is_empty and may_be_empty(chain) and request.rules.changed is not Changed.ALL
    config = None if nothing_left else load_config(flags)
    found = _found(request, records, chain, arguments, config, recorded_place)
    findings = checked(request, [*request.found_before, *request.plugins.problems(), *_check_record(request, found)])
    prepared = Prepared(found, chain, arguments, plan, flags, findings, config=config)
    return prepared if nothing_left else _with_project(request, records, prepared)


def _with_project(request: RetryRequest, records: Records, prepared: Prepared) -> Prepared:
    """Parse the project, and plan with what it tells."""
    chain, flags, config = prepared.chain, prepared.flags, prepared.config
    known_before = nodes_of_manifest(request.folder, chain.original)
    manifest, catalogs = load_manifest(flags, config)
    graph = graph_of(manifest)
    task = resumed_task(prepared.arguments.command, flags, config, manifest, catalogs)
    loaded = replace(prepared, graph=graph, manifest=manifest, task=task)
    if isinstance(task, ResumedTask):
        resolved = task.original_selection()
        chain, findings = complete_chain(chain, graph, resolved, known_before)
        plan = replace(plan_retry(chain, retry_warnings=bool(flags.WARN_ERROR)), findings=findings)
        selection = frozenset(chain.outcomes) | (resolved or frozenset())
        loaded = _with_changes(request, records, replace(loaded, chain=chain, plan=plan, selection=selection))
    found = request.plugins.validate("retry_plus_check_plan", retry=loaded.as_planned)
    return replace(loaded, findings=(*loaded.findings, *checked(request, found)))


def _with_changes(request: RetryRequest, records: Records, prepared: Prepared) -> Prepared:
    """Let what changed since have its say, then the plugins, and then the user."""
    chain, graph, task, rules = prepared.chain, prepared.graph, prepared.task, request.rules
    prepared = _compared(request, records, prepared)
    comparison = prepared.comparison
    plan = fit_to_graph(prepared.plan, chain, graph, comparison)
    closed = with_rebuilt(plan, chain, graph, comparison, rules)
    looked_for = parents_to_check(closed, chain, graph, comparison)
    if getattr(prepared.flags, "DEFER", False):  # they are read where the deferral says
        looked_for = frozenset()
    proven = proven_above(closed, graph) if request.check_relations else frozenset()
    unbuilt = missing_relations(prepared.config, prepared.manifest, looked_for | proven)
    plan = with_rebuilt(plan, chain, graph, comparison, rules, unbuilt) if unbuilt else closed
    planned = replace(prepared, plan=plan, missing_relations=unbuilt & proven)
    asked, findings = request.plugins.contribute("retry_plus_amend", (Addition, Removal), retry=planned.as_planned)
    if asked:
        plan = with_rebuilt(amended(plan, chain, graph, asked), chain, graph, comparison, rules, unbuilt)
    if request.narrowing:
        plan = narrowed(plan, task.selected_by(request.narrowing))
    return replace(planned, plan=replace(plan, findings=(*plan.findings, *findings)))


def _compared(request: RetryRequest, records: Records, prepared: Prepared) -> Prepared:
    """Compare today's project with the record, where the answer can matter."""
    of_nodes = any(node.changed is not None for node in prepared.graph.values())
    if request.rules.changed is Changed.NONE and not of_nodes:
        return prepared
    found = prepared.found
    variables = prepared.arguments.values.get("vars")
    comparison = compare_with_record(
        prepared.chain,
        records,
        prepared.manifest,
        variables if isinstance(variables, Mapping) else {},
        request.running.project_variables,
    )
    comparison = with_place(comparison, found.recorded_place, found.place)
    compared = replace(prepared, comparison=comparison)
    changes, findings = request.plugins.contribute("retry_plus_compare", Change, retry=compared.as_planned)
    plan = replace(prepared.plan, findings=(*prepared.plan.findings, *findings))
    return replace(compared, comparison=with_changes(comparison, changes), plan=plan)


def _check_record(request: RetryRequest, found: FoundRetry) -> list[Finding]:
    return request.plugins.validate("retry_plus_check_record", retry=found)


def checked(request: RetryRequest, findings: list[Finding]) -> tuple[Finding, ...]:
    """Settle what the checks said; an error stops the retry here, unless its plan is only to be shown.

    Raises:
        RetryRefusedError: One of them is an error, and this is no dry run.
    """
    result = settled(findings, request.settings.checks, force=request.force)
    if not request.dry_run:
        stop_on_errors(result)
    return result


def _found(
    request: RetryRequest,
    records: Records,
    chain: Chain,
    arguments: EffectiveArguments,
    config: Any,
    recorded_place: Place,
) -> FoundRetry:
    return FoundRetry(
        chain=chain,
        arguments=arguments,
        project_root=request.project_root,
        now=datetime.now(timezone.utc),
        given=request.given,
        options=request.plugin_options,
        settings=request.settings.plugins,
        recorded_place=recorded_place,
        place=place_of(config) if config is not None else None,
        allow_target_change=request.allow_target_change,
        max_age=request.settings.max_age,
        running=records.running(chain),
        manifest_of=identity_of(request.folder, MANIFEST),
    )


def _arguments(request: RetryRequest, chain: Chain) -> EffectiveArguments:
    base = _latest_of_command(chain)
    check_recorded(base, request.given, replace_vars=request.replace_vars)
    return effective_arguments(
        base,
        request.given,
        current_values(),
        accepted_options(base.command),
        replace_vars=request.replace_vars,
    )


def _recorded_place(request: RetryRequest, chain: Chain) -> Place:
    """Where the chain ran; where no journal says it, what its arguments name, or what dbt takes when nobody does."""
    place = chain.original.place
    if place.target is not None or not request.given.keys() & {"target", "profile"}:
        return place
    named = {**default_target(request.flags), **_named_target(_latest_of_command(chain))}
    return replace(place, profile=named["profile"], target=named["target"])


def _latest_of_command(chain: Chain) -> Invocation:
    """The newest link that knows the original command's arguments: a retry that failed early knows its own alone."""
    return next(link for link in reversed(chain.invocations) if link.command == chain.original.command)


def _named_target(invocation: Invocation) -> Mapping[str, str]:
    return {
        name: str(invocation.arguments[name])
        for name in ("target", "profile")
        if invocation.arguments.get(name) is not None
    }
