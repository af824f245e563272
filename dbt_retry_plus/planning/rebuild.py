"""Which proven nodes have to run again, because of what changed or of what runs again above them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from dbt_retry_plus.commands import COMMANDS_THAT_BUILD
from dbt_retry_plus.types import Chain, Graph, GraphNode, Plan, PlannedNode, StateComparison
from dbt_retry_plus.words import Changed, Reason, RebuildTested

_DATA, _TEST, _UNIT_TEST = frozenset({"model", "seed", "snapshot", "function"}), "test", "unit_test"


@dataclass(frozen=True)
class RebuildRules:
    """What the user wants rebuilt.

    Attributes:
        changed: Which changed nodes are rebuilt: those in the retry set and above it unless told.
        rebuild_tested: When a failed data test brings back the nodes that it tests.
        over_nodes: Names of the two that were given on this command line, and so win over what nodes say.
    """

    changed: Changed = Changed.ANCESTORS
    rebuild_tested: RebuildTested = RebuildTested.CHANGED
    over_nodes: frozenset[str] = frozenset()

    def changed_for(self, node: GraphNode) -> Changed:
        """Return what holds for one node that changed."""
        return self.changed if node.changed is None or "changed" in self.over_nodes else node.changed

    def rebuild_tested_for(self, test: GraphNode) -> RebuildTested:
        """Return what holds for one data test."""
        own = test.rebuild_tested
        return self.rebuild_tested if own is None or "rebuild_tested" in self.over_nodes else own


def with_rebuilt(
    plan: Plan,
    chain: Chain,
    graph: Graph,
    comparison: StateComparison,
    rules: RebuildRules,
    unbuilt: frozenset[str] = frozenset(),
) -> Plan:
    """Add to a plan what its nodes cannot do without.

    Args:
        plan: The retry set from the outcomes.
        chain: What was recorded.
        graph: Today's project.
        comparison: What changed since.
        rules: What the user wants rebuilt.
        unbuilt: Proven nodes, and nodes outside of the selection, that the warehouse is known to lack.
    """
    search = _Search(plan, chain, graph, comparison, rules)
    search.add_changed()
    if chain.original.command in COMMANDS_THAT_BUILD:
        search.close(unbuilt)
    nodes = {**plan.nodes, **search.added}
    return replace(plan, nodes=nodes, proven=plan.proven - nodes.keys())


class _Search:
    """Adds nodes until nothing more follows from the rules."""

    def __init__(
        self, plan: Plan, chain: Chain, graph: Graph, comparison: StateComparison, rules: RebuildRules
    ) -> None:
        self._plan = plan
        self._outcomes = chain.outcomes
        self._graph = graph
        self._children = children_of(graph)
        self._rules = rules
        self._comparison = comparison
        self._rebuildable = {unique_id for unique_id in plan.proven if unique_id in graph}
        self.added: dict[str, PlannedNode] = {}

    def add_changed(self) -> None:
        """Add all that changed, if asked: a test or what was compiled can change as well as what was built."""
        for unique_id in sorted(self._comparison.modified.keys() & self._rebuildable):
            if self._rules.changed_for(self._graph[unique_id]) is Changed.ALL:
                self._add(unique_id, Reason.CHANGED, None)

    def close(self, unbuilt: frozenset[str]) -> None:
        """Apply the rules of what is built until the set is closed under them."""
        frontier = [*self._plan.nodes, *self.added]
        while frontier:
            known = len(self.added)
            for unique_id in frontier:
                self._look_up(unique_id, unbuilt)
                self._look_down(unique_id)
            frontier = list(self.added)[known:]

    def _look_up(self, unique_id: str, unbuilt: frozenset[str]) -> None:
        test = self._graph[unique_id].resource_type == _TEST
        rebuild_tested = self._rules.rebuild_tested_for(self._graph[unique_id])
        if test and unique_id in self._plan.nodes and rebuild_tested is RebuildTested.ALWAYS:
            for parent in self._graph[unique_id].parents:
                if parent in self._rebuildable and self._graph[parent].resource_type in _DATA:
                    self._add(parent, Reason.PARENT_OF_FAILED_TEST, unique_id)
        for parent in self._unbuilt_parents(unique_id, unbuilt):
            self._add_unbuilt(parent, unique_id)
        if test and rebuild_tested is RebuildTested.NEVER:
            return
        for ancestor in ancestors_of(unique_id, self._graph):
            changed = ancestor in self._comparison.modified
            if changed and self._rules.changed_for(self._graph[ancestor]) is not Changed.NONE:
                reason = Reason.PARENT_OF_FAILED_TEST if test and ancestor in self._graph[unique_id].parents else None
                self._add(ancestor, reason or Reason.CHANGED, unique_id)

    def _look_down(self, unique_id: str) -> None:
        """What was built on data that is about to be replaced is built again."""
        if self._graph[unique_id].resource_type not in _DATA:
            return
        waiting, seen = [unique_id], {unique_id}
        while waiting:
            for child in self._children.get(waiting.pop(), ()):
                if child in seen:
                    continue
                seen.add(child)
                if self._graph[child].resource_type == _UNIT_TEST:
                    if self._is_changed_model(unique_id, child):
                        self._add(child, Reason.DOWNSTREAM, unique_id)
                    continue
                self._add(child, Reason.DOWNSTREAM, unique_id)
                waiting.append(child)

    def _is_changed_model(self, unique_id: str, unit_test: str) -> bool:
        """A unit test depends on its model's code alone, whatever the data above."""
        return unique_id in self._comparison.modified and unique_id in self._graph[unit_test].parents

    def _unbuilt_parents(self, unique_id: str, unbuilt: frozenset[str]) -> Iterable[str]:
        """The nearest: what is above one that stands in the warehouse does not matter."""
        waiting, seen = [unique_id], {unique_id}
        while waiting:
            for parent in self._graph[waiting.pop()].parents:
                if parent in seen or parent not in self._graph:
                    continue
                seen.add(parent)
                if parent in unbuilt:
                    yield parent
                elif self._graph[parent].ephemeral:
                    waiting.append(parent)

    def _add(self, unique_id: str, reason: Reason, cause: str | None) -> None:
        if unique_id in self._rebuildable and unique_id not in self.added:
            self.added[unique_id] = PlannedNode(unique_id, reason, cause, self._outcomes[unique_id].status)

    def _add_unbuilt(self, unique_id: str, cause: str) -> None:
        if unique_id not in self._plan.nodes and unique_id not in self.added:
            known = self._outcomes.get(unique_id)
            self.added[unique_id] = PlannedNode(
                unique_id, Reason.UNBUILT_PARENT, cause, known.status if known else None
            )


def parents_to_check(plan: Plan, chain: Chain, graph: Graph, comparison: StateComparison) -> frozenset[str]:
    """Return the nodes outside of the selection that the retry set has come to depend on.

    Whether the warehouse has them is not on record.

    Args:
        plan: The retry set from the outcomes.
        chain: What was recorded.
        graph: Today's project.
        comparison: What changed since.
    """
    if chain.original.command not in COMMANDS_THAT_BUILD:
        return frozenset()
    waiting = [p for unique_id in plan.nodes for p in comparison.added_parents.get(unique_id, ())]
    waiting += [p for unique_id in plan.nodes for p in graph[unique_id].parents if p in comparison.added]
    found: set[str] = set()
    while waiting:
        unique_id = waiting.pop()
        if unique_id in graph and unique_id not in found and unique_id not in chain.outcomes:
            found.add(unique_id)
            waiting.extend(graph[unique_id].parents)
    return frozenset(u for u in found if graph[u].resource_type in _DATA and not graph[u].ephemeral)


def proven_above(plan: Plan, graph: Graph) -> frozenset[str]:
    """Return the proven nodes whose data the retry set builds on, at any distance.

    Args:
        plan: The retry set.
        graph: Today's project.
    """
    waiting, above = list(plan.nodes), set(plan.nodes)
    while waiting:
        new = {parent for parent in graph[waiting.pop()].parents if parent in graph} - above
        above |= new
        waiting += new
    return frozenset(u for u in above & plan.proven if graph[u].resource_type in _DATA and not graph[u].ephemeral)


def ancestors_of(unique_id: str, graph: Graph) -> Iterator[str]:
    """Yield the nodes that a node depends on, at any distance."""
    waiting, seen = [unique_id], {unique_id}
    while waiting:
        for parent in graph[waiting.pop()].parents:
            if parent in graph and parent not in seen:
                seen.add(parent)
                waiting.append(parent)
                yield parent


def data_above(unique_id: str, graph: Graph) -> frozenset[str]:
    """Return the models, seeds, snapshots and functions that a node is built on, at any distance."""
    return frozenset(u for u in ancestors_of(unique_id, graph) if graph[u].resource_type in _DATA)


def children_of(graph: Graph) -> Mapping[str, list[str]]:
    """Return the children of every node that has some."""
    children: dict[str, list[str]] = {}
    for node in graph.values():
        for parent in node.parents:
            children.setdefault(parent, []).append(node.unique_id)
    return children
