"""Runs `dbt retry` and `dbt retry-plus` from one and the same state and tells in what they differ.

Both run in the same folder, one after the other, with the folder and the warehouse put back in between: no path differs.
A deviation that we make on purpose is declared by the test that shows it, with its row of the table "How it differs from
`dbt retry`"; a declared deviation that does not show is an error too.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from tests.support.observations import ABSENT, Observation

OURS_ADDS_EVENTS: frozenset[str] = frozenset()
"""Names of log events that `dbt retry-plus` fires in every invocation and upstream does not. Empty: keep it so."""


ANY_VALUE = "<any value>"


@dataclass(frozen=True)
class Retry:
    """One retry: what is put right first, and how the command is called."""

    arguments: str = ""
    before_command: str = ""
    sql: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: str = "project"
    target: str = "project/target"
    log: str = "project/logs/dbt.log"
    cold: bool = False

    def command_line(self, command: str) -> list[str]:
        return [*shlex.split(self.before_command), command, *shlex.split(self.arguments)]


@dataclass(frozen=True)
class Difference:
    aspect: str
    subject: str
    upstream: Any
    ours: Any

    def __str__(self) -> str:
        return f"{self.aspect} · {self.subject}\n    upstream: {shown(self.upstream)}\n    ours:     {shown(self.ours)}"


@dataclass(frozen=True)
class Deviation:
    """A difference that we want: the row of the table, and shell-style patterns for what may differ."""

    row: int
    aspect: str
    subject: str = "*"
    upstream: Any = ANY_VALUE
    ours: Any = ANY_VALUE

    def covers(self, difference: Difference) -> bool:
        return (
            fnmatchcase(difference.aspect, self.aspect)
            and fnmatchcase(difference.subject, self.subject)
            and self.upstream in (ANY_VALUE, difference.upstream)
            and self.ours in (ANY_VALUE, difference.ours)
        )


IN_EVERY_RETRY = (Deviation(30, "recorded argument", "sqlparse/*", upstream="None", ours=None),)
"""dbt-core 1.12 records nulls in an option that nobody gave, and `dbt retry` makes texts of them in every retry."""


@dataclass(frozen=True)
class Comparison:
    upstream: Observation
    ours: Observation

    def differences(self, *, merged_results: bool = True) -> tuple[Difference, ...]:
        """With `merged_results`, of ours only the rows that upstream has too are compared (row 5 of the table)."""
        return tuple(find_differences(self.upstream, self.ours, merged_results))

    def assert_parity(
        self, *deviations: Deviation, executes: Mapping[str, str] | None = None, merged_results: bool = True
    ) -> None:
        differences = [
            difference
            for difference in self.differences(merged_results=merged_results)
            if not any(everywhere.covers(difference) for everywhere in IN_EVERY_RETRY)
        ]
        unexpected = [d for d in differences if not any(deviation.covers(d) for deviation in deviations)]
        unseen = [d for d in deviations if not any(d.covers(difference) for difference in differences)]
        lines = [f"{len(unexpected)} difference(s) from upstream that nothing declares:", *map(str, unexpected)]
        if unseen:
            lines += ["declared, but not seen:", *map(str, unseen)]
        assert not unexpected and not unseen, "\n".join([*lines, "our output:", self.ours.invocation.output[-3000:]])
        if executes is not None:
            assert dict(self.ours.statuses) == dict(executes), (
                f"executed otherwise: {self.ours.statuses}\n{self.ours.invocation.output[-3000:]}"
            )


def find_differences(upstream: Observation, ours: Observation, merged_results: bool) -> Iterator[Difference]:
    yield from compare_values("exit code", upstream.invocation.exit_code, ours.invocation.exit_code)
    yield from compare_sets("started node", upstream.invocation.started, ours.invocation.started)
    yield from compare_mappings(
        "outcome",
        steady_outcomes(upstream.invocation.outcomes_by_node),
        steady_outcomes(ours.invocation.outcomes_by_node),
    )
    yield from compare_sets("order", upstream.order_violations, ours.order_violations)
    yield from compare_counts("event", upstream.debug_events, without(ours.debug_events, OURS_ADDS_EVENTS))
    yield from compare_counts("shown event", upstream.shown_events, ours.shown_events)
    yield from compare_counts("stdout", upstream.console, ours.console)
    yield from compare_values("stderr", upstream.invocation.stderr, ours.invocation.stderr)
    yield from compare_results(upstream, ours, merged_results)
    yield from compare_mappings("file", other_files(upstream), other_files(ours))
    yield from compare_mappings("relation", upstream.relations, ours.relations)
    yield from compare_calls(upstream, ours)


def compare_results(upstream: Observation, ours: Observation, merged_results: bool) -> Iterator[Difference]:
    if (upstream.run_results is None) != (ours.run_results is None):
        yield Difference("file", "run_results.json", upstream.run_results or ABSENT, ours.run_results or ABSENT)
    our_rows = {k: row for k, row in ours.rows.items() if not merged_results or k in upstream.rows}
    yield from compare_mappings("result", upstream.rows, our_rows)
    yield from compare_mappings(
        "recorded argument", (upstream.run_results or {}).get("args", {}), (ours.run_results or {}).get("args", {})
    )


def compare_calls(upstream: Observation, ours: Observation) -> Iterator[Difference]:
    pairs = list(zip(upstream.invocation.outcomes, ours.invocation.outcomes, strict=True))
    for number, (theirs, our) in enumerate(pairs, start=1):
        for name in ("success", "exception_type", "exception_text", "result_type"):
            yield from compare_values(f"call {number}", getattr(theirs, name), getattr(our, name), name)
        yield from compare_mappings(f"call {number} result", by_id(theirs.results), by_id(our.results))
        yield from compare_counts(
            f"call {number} callback", Counter(theirs.callback_events), Counter(our.callback_events)
        )


def by_id(results: Sequence[Mapping[str, Any]] | None) -> Mapping[str, Any]:
    return {row["unique_id"]: row for row in results or ()}


def steady_outcomes(outcomes: Mapping[str, tuple[str, str]]) -> Mapping[str, Any]:
    from tests.support.observations import steady_text

    return {node: (status, steady_text(message)) for node, (status, message) in outcomes.items()}


def other_files(observation: Observation) -> Mapping[str, Any]:
    return {path: content for path, content in observation.files.items() if path != "run_results.json"}


def without(counts: Counter[str], names: frozenset[str]) -> Counter[str]:
    return Counter({name: count for name, count in counts.items() if name not in names})


def compare_values(aspect: str, upstream: Any, ours: Any, subject: str = "value") -> Iterator[Difference]:
    if upstream != ours:
        yield Difference(aspect, subject, upstream, ours)


def compare_sets(aspect: str, upstream: frozenset[str], ours: frozenset[str]) -> Iterator[Difference]:
    for subject in sorted(upstream ^ ours):
        yield Difference(aspect, subject, subject in upstream, subject in ours)


def compare_counts(aspect: str, upstream: Counter[str], ours: Counter[str]) -> Iterator[Difference]:
    for subject in sorted(upstream.keys() | ours.keys()):
        yield from compare_values(aspect, upstream[subject], ours[subject], subject)


def compare_mappings(aspect: str, upstream: Mapping[str, Any], ours: Mapping[str, Any]) -> Iterator[Difference]:
    for subject in sorted(upstream.keys() | ours.keys()):
        theirs, our = upstream.get(subject, ABSENT), ours.get(subject, ABSENT)
        if isinstance(theirs, Mapping) and isinstance(our, Mapping):
            for difference in compare_mappings(aspect, theirs, our):
                yield Difference(aspect, f"{subject}/{difference.subject}", difference.upstream, difference.ours)
        else:
            yield from compare_values(aspect, theirs, our, subject)


def shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 600 else f"{text[:600]}… ({len(text)} characters)"
