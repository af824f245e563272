"""What must be equal between a retry, a full run of the original command, and `dbt retry`, and where it cannot be.

Each exception is a function of its own, with the reason. There are no others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from tests.campaign.flaws import BAD_DATA
from tests.campaign.running import PROVEN, Ran, Statuses
from tests.campaign.upstream import against_upstream, why_upstream_is_wrong

_BUILDS = frozenset({"build", "run", "seed", "snapshot"})


@dataclass(frozen=True)
class Verdict:
    """What the comparison found.

    Attributes:
        false_green: Why a green retry was not, each as a sentence.
        differences: What else was not as the truth has it.
        needless: Nodes that ran again for no reason.
        excused: Which exceptions were made use of.
    """

    false_green: tuple[str, ...]
    differences: tuple[str, ...]
    needless: tuple[str, ...]
    excused: frozenset[str]

    @property
    def fine(self) -> bool:
        return not (self.false_green or self.differences or self.needless)


def judge(ran: Ran) -> Verdict:
    """Compare what a case came to."""
    return _Judge(ran).verdict()


class _Judge:
    def __init__(self, ran: Ran) -> None:
        self.ran = ran
        self.excused: set[str] = set()
        self.edits = [edit for step in ran.rounds for edit in step.edits]

    def verdict(self) -> Verdict:
        differences = list(self._differences())
        false_green, rest = (differences, []) if self.ran.last.green else ([], differences)
        if self.ran.upstream is not None:
            why_not = why_upstream_is_wrong(self.ran)
            if why_not:
                self.excused.add(f"upstream: {why_not}")
            else:
                rest += against_upstream(self.ran, self.ran.upstream)
        return Verdict(tuple(false_green), tuple(rest), tuple(self._needless()), frozenset(self.excused))

    # What must be equal

    def _differences(self) -> Iterator[str]:
        ours, truth = self.ran.last, self.ran.truth_run
        if not truth.green and self._stops_early():
            # Under --fail-fast a run ends at its first failure; which nodes came before it is a matter of order.
            self.excused.add("fail-fast")
            if ours.green:
                yield "green, and the full run is not"
            return
        if ours.green != truth.green and not self._greenness_is_explained():
            yield f"exit code {ours.invocation.exit_code}, and {truth.invocation.exit_code} of the full run"
        yield from self._rows()
        yield from self._relations()
        if self.ran.case.command.name == "compile":
            yield from self._compiled()

    def _rows(self) -> Iterator[str]:
        ours, truth = self.ran.ours.rows, self.ran.truth.rows
        for node in sorted(truth.keys() | ours.keys()):
            if self._result(node, ours) == self._result(node, truth) or self._excusable(
                node, ours.keys(), truth.keys()
            ):
                continue
            yield f"result of {node}: {ours.get(node)}, and {truth.get(node)} in the full run"

    def _result(self, node: str, rows: Statuses) -> tuple[str, int | None] | None:
        """Status and failures of a node.

        dbt writes 0 failures for a microbatch model and none for any other; its event, which alone tells of the nodes
        of a killed run, does not know the two apart.
        """
        status, failures = rows.get(node, (None, None))
        if status is None:
            return None
        killed = self.ran.case.kill or any(step.kill for step in self.ran.rounds)
        counted = node.startswith(("test.", "unit_test.")) or not killed
        return status, failures if counted else failures or None

    def _relations(self) -> Iterator[str]:
        ours, truth = self.ran.ours.relations, self.ran.truth.relations
        by_name = {_name(node): node for node in self.ran.parents}
        for relation in sorted(truth.keys() | ours.keys()):
            name = relation.removeprefix("main.")
            node = by_name.get(name, name)
            if ours.get(relation) == truth.get(relation) or self._excusable(
                node, self.ran.ours.rows, self.ran.truth.rows
            ):
                continue
            yield f"{relation}: {ours.get(relation)}, and {truth.get(relation)} in the full run"

    def _compiled(self) -> Iterator[str]:
        by_name = {_name(node): node for node in self.ran.truth.rows}
        for name, node in sorted(by_name.items()):
            ours, truth = self.ran.ours.compiled.get(name), self.ran.truth.compiled.get(name)
            if ours != truth and not self._excusable(node, self.ran.ours.rows, self.ran.truth.rows):
                yield f"compiled {name}: {ours!r}, and {truth!r} in the full run"

    def _needless(self) -> Iterator[str]:
        """Nodes that succeeded, ran again, and that no failure and no edit lies at or above."""
        if any(step.kill for step in self.ran.rounds):
            return  # what a killed retry had to do is told by its own case with that moment as the first
        if any(edit.edges for step in self.ran.rounds[1:] for edit in step.edits):
            return  # the graph of the first retry is not the one of the last
        causes = set(self._unproven_at_first) | set(self._edited) | set(self._below_data())
        allowed = self._at_and_below(causes)
        first_retry = self.ran.retries[0][1]
        for node in sorted(first_retry.executed - allowed - self.ran.unbuilt_at_first):
            if not node.startswith("operation."):
                yield node

    # Where it cannot be

    def _stops_early(self) -> bool:
        given = {argument for step in self.ran.rounds for argument in step.arguments}
        return self.ran.case.command.fail_fast and "--no-fail-fast" not in given

    def _excusable(self, node: str, ours: Collection[str], truth: Collection[str]) -> bool:
        reason = (
            self._never_selected(node, ours)
            or self._not_selected_any_more(node, truth)
            or self._left_as_it_is(node)
            or self._behind_its_back(node)
        )
        if reason:
            self.excused.add(reason)
        return bool(reason)

    def _never_selected(self, node: str, ours: Collection[str]) -> str | None:
        """The chain is about what the first command selected: what is new, or newly below `a+`, is not part of it."""
        new = {name for edit in self.edits for name in edit.new}
        if _name(node) in new and node not in self._executed:
            return "new since"
        selection = self.ran.first.selection
        if node in ours or selection is None or not any(edit.edges for edit in self.edits):
            return None
        tested = [parent for parent in self.ran.parents.get(node, ()) if node.startswith("unit_test.")]
        return "newly selected" if node not in selection and not set(tested) & selection else None

    def _not_selected_any_more(self, node: str, truth: Collection[str]) -> str | None:
        """A retry finishes what was selected then; today's `a+` may mean less. What is gone leaves its relation."""
        if node in self.ran.built_before:
            return "unbuilt parent"
        if node not in truth and any(edit.edges for edit in self.edits):
            return "not selected any more"
        return None

    def _left_as_it_is(self, node: str) -> str | None:
        """Without `--changed all`, what changed and has no part in the retry is reported and left (design.md)."""
        if all(step.changes_all for step in self.ran.rounds) or node in self._executed:
            return None
        return "changed, and left as it is" if node in self._left else None

    def _behind_its_back(self, node: str) -> str | None:
        """No node can know that the data of a source is better now; a failed test of it can, and brings it back."""
        return "data changed behind its back" if node in self._unseen else None

    def _greenness_is_explained(self) -> bool:
        """Whether the nodes that make the difference are all excused."""
        ours, truth = self.ran.ours.rows, self.ran.truth.rows
        rows = truth if self.ran.last.green else ours
        bad = [node for node, (status, _) in rows.items() if status not in PROVEN]
        return bool(bad) and all(self._excusable(node, ours, truth) for node in bad)

    # The graph

    @cached_property
    def _executed(self) -> frozenset[str]:
        return frozenset(node for _, ended in self.ran.retries for node in ended.executed)

    @cached_property
    def _unproven_at_first(self) -> frozenset[str]:
        """Of what was selected: what did not succeed, or was not reached."""
        first = self.ran.first
        proven = {node for node, (status, _) in first.statuses.items() if status in PROVEN}
        selected = first.statuses.keys() | (first.selection or self.ran.parents.keys())
        selected |= {n for n in self.ran.parents if n.startswith("unit_test.") and set(self.ran.parents[n]) & selected}
        return frozenset(selected - proven)

    @cached_property
    def _edited(self) -> frozenset[str]:
        return frozenset(self._ids(name for edit in self.edits for name in edit.names))

    @cached_property
    def _left(self) -> frozenset[str]:
        """What changed and is neither in the retry set nor above it, and all that it would have changed."""
        rebuilt = set(self._unproven_at_first)
        while True:
            above = {node for node in self._edited if self._at_and_below({node}) & rebuilt}
            more = self._below_data(rebuilt | above) | above
            if more <= rebuilt:
                break
            rebuilt |= more
        left = self._edited - rebuilt
        return frozenset(self._at_and_below(left | self._gated_by(left)))

    @cached_property
    def _unseen(self) -> frozenset[str]:
        cured = [
            flaw.name
            for flaw in self.ran.case.flaws
            if flaw.kind == BAD_DATA and any(set(flaw.cure) <= set(step.sql) for step in self.ran.rounds)
        ]
        alone = {
            node
            for node in self._ids(cured)
            if node not in self._executed and not set(self.ran.children.get(node, ())) & self._unproven_at_first
        }
        return frozenset(self._at_and_below(alone))

    def _below_data(self, nodes: Collection[str] | None = None) -> set[str]:
        """What is built on nodes; with none named, on those that `--rebuild-tested always` may bring back."""
        if nodes is None:
            if not any("--rebuild-tested" in step.arguments for step in self.ran.rounds):
                return set()
            tests = [node for node in self._unproven_at_first if node.startswith("test.")]
            nodes = {parent for test in tests for parent in self.ran.parents.get(test, ())}
        return self._at_and_below(nodes)

    def _gated_by(self, nodes: Collection[str]) -> set[str]:
        """What `dbt build` skips when a test fails: the children of what it tests, the model of a unit test."""
        tests = [node for node in nodes if node.startswith("test.")]
        gated = {
            child for test in tests for parent in self.ran.parents.get(test, ()) for child in self.ran.children[parent]
        }
        return gated | {parent for node in nodes if node.startswith("unit_test.") for parent in self.ran.parents[node]}

    def _at_and_below(self, nodes: Iterable[str]) -> set[str]:
        found = set(nodes)
        waiting = list(found)
        while waiting:
            new = [child for child in self.ran.children.get(waiting.pop(), ()) if child not in found]
            found.update(new)
            waiting += new
        return found

    def _ids(self, names: Iterable[str]) -> set[str]:
        wanted = set(names)
        return {node for node in self.ran.parents if _name(node) in wanted}


def _name(unique_id: str) -> str:
    parts = unique_id.split(".")
    if len(parts) < 3:
        return unique_id
    return parts[-1] if parts[0] in ("unit_test", "operation") else parts[2]
