"""What the original command selected, where its results do not tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from dbt_retry_plus.commands import BUILD, COMMANDS_WITH_HOOK_NODES, DOCS_GENERATE, RUN_OPERATION, UPSTREAM_RETRY
from dbt_retry_plus.planning.chain import absent
from dbt_retry_plus.types import Chain, Finding, Graph, Invocation
from dbt_retry_plus.words import NOT_STARTED, Severity

_UNIT_TEST = "unit_test"

_COMPILED = frozenset({"model", "test", "snapshot", "analysis", "seed", "function"})
_RUN_BY: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        BUILD: frozenset({"model", "seed", "snapshot", "test", _UNIT_TEST, "function"}),
        "clone": frozenset({"model", "seed", "snapshot"}),
        "compile": _COMPILED,
        "freshness": frozenset({"source"}),
        DOCS_GENERATE: _COMPILED,
        "run": frozenset({"model"}),
        "seed": frozenset({"seed"}),
        "snapshot": frozenset({"snapshot"}),
        "test": frozenset({"test", _UNIT_TEST}),
    }
)
"""The resource types that a command can leave unproven, as dbt's tasks select them."""

_TYPED = frozenset({"docs", "source", RUN_OPERATION, UPSTREAM_RETRY}) | _RUN_BY.keys()


def complete_chain(
    chain: Chain,
    graph: Graph,
    resolved: frozenset[str] | None,
    known_before: Callable[[], frozenset[str] | None],
) -> tuple[Chain, tuple[Finding, ...]]:
    """Add every node of the original selection that the record does not name, as not started.

    Args:
        chain: The chain as recorded.
        graph: Today's project.
        resolved: The original command's selection, resolved today; None where that is impossible, for instance
            because it compared with a state that is gone.
        known_before: Returns the nodes of the project as it was then; None where that is not known.

    Returns:
        The chain with the whole selection in its outcomes, and what was noticed.
    """
    original = chain.original
    if chain.tells_all:
        return chain, ()
    findings: tuple[Finding, ...] = ()
    if original.selection is not None:
        selection = _with_unit_tests(original, original.selection, resolved, graph)
    elif original.recorded:
        selection, findings = _selection_by_arguments(original, resolved, graph)
    else:
        selection, findings = _selection_by_artifacts(original, resolved, graph, known_before)
    outcomes = {**chain.outcomes, **absent(sorted(selection), chain.outcomes)}
    if original.recorded and original.command in COMMANDS_WITH_HOOK_NODES:  # these compile what is ephemeral too
        return replace(chain, outcomes=outcomes), findings
    runnable = {u: o for u, o in outcomes.items() if o.status != NOT_STARTED or not _never_run(u, graph)}
    return replace(chain, outcomes=runnable), findings


def _with_unit_tests(
    original: Invocation, recorded: frozenset[str], resolved: frozenset[str] | None, graph: Graph
) -> frozenset[str]:
    """`dbt build` tells its models and tests apart from its unit tests, and records the former only."""
    if original.command != BUILD:
        return recorded
    unit_tests = {node.unique_id for node in graph.values() if node.resource_type == _UNIT_TEST}
    if resolved is not None:
        return recorded | (resolved & unit_tests)
    return recorded | {unique_id for unique_id in unit_tests if recorded.intersection(graph[unique_id].parents)}


def _selection_by_arguments(
    original: Invocation, resolved: frozenset[str] | None, graph: Graph
) -> tuple[frozenset[str], tuple[Finding, ...]]:
    if resolved is None:
        finding = Finding(
            Severity.WARNING,
            "selection-unknown",
            f"What {original.title} had selected is not on record and cannot be resolved any more, so all that the "
            "command can run counts as selected.",
            "Run the original command again instead, if that is too much.",
        )
        return _all_of(original, graph), (finding,)
    announced = sum(1 for unique_id in resolved if not _uncounted(original, unique_id, graph))
    expected = original.expected_nodes
    if expected is None or announced == expected:
        return resolved, ()
    changed = f"{original.title} had selected {expected} nodes, and its selection has {announced} now"
    if announced > expected:
        finding = Finding(
            Severity.WARNING, "selection-changed", f"{changed}.", "All of those are proven or in the retry set."
        )
        return resolved, (finding,)
    finding = Finding(
        Severity.WARNING,
        "selection-changed",
        f"{changed}, so all that the command can run counts as selected.",
        "Run the original command again instead, if that is too much.",
    )
    return resolved | _all_of(original, graph), (finding,)


def _selection_by_artifacts(
    original: Invocation,
    resolved: frozenset[str] | None,
    graph: Graph,
    known_before: Callable[[], frozenset[str] | None],
) -> tuple[frozenset[str], tuple[Finding, ...]]:
    outcomes = frozenset(original.outcomes)
    if _is_upstream_retry(original):
        return outcomes, (
            _unrecorded(original, "are those of a `dbt retry`, so what that did not run counts as proven."),
        )
    if resolved is None:
        return outcomes, (_unrecorded(original, "are all that tells what it selected: it may have selected more."),)
    if all(unique_id in outcomes or _never_run(unique_id, graph) for unique_id in resolved):
        return resolved, ()
    before = known_before()
    return (resolved if before is None else resolved & before), ()


def _all_of(original: Invocation, graph: Graph) -> frozenset[str]:
    types = _RUN_BY.get(original.command, _COMPILED)
    return frozenset(unique_id for unique_id, node in graph.items() if node.resource_type in types)


def _unrecorded(original: Invocation, what: str) -> Finding:
    return Finding(
        Severity.WARNING,
        "not-recorded",
        f"{original.title} is not on the ledger, and its results {what}",
        "Run the original command again if that is not enough.",
    )


def _is_upstream_retry(original: Invocation) -> bool:
    """Whether `retry` is the command that was typed, and no name behind it."""
    words = str(original.arguments.get("invocation_command", "")).split()
    return next((word for word in words if word in _TYPED), None) == UPSTREAM_RETRY


def _uncounted(original: Invocation, unique_id: str, graph: Graph) -> bool:
    node = graph.get(unique_id)
    return node is not None and (node.ephemeral or (original.command == BUILD and node.resource_type == _UNIT_TEST))


def _never_run(unique_id: str, graph: Graph) -> bool:
    return unique_id in graph and graph[unique_id].ephemeral
