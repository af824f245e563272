"""What changed since each node of a chain was last run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dbt_retry_plus.dbtcore.state import compare, fingerprint, inputs_of
from dbt_retry_plus.dbtcore.variables import users_of
from dbt_retry_plus.ledger.find import Records
from dbt_retry_plus.ledger.run_results import MANIFEST, identity_of
from dbt_retry_plus.types import Chain, Change, Invocation, Place, StateComparison


def compare_with_record(
    chain: Chain,
    records: Records,
    manifest: Any,
    variables: Mapping[str, Any],
    project_variables: Mapping[str, Any],
) -> StateComparison:
    """Compare today's project with what each node of a chain was last run from.

    Args:
        chain: What was recorded.
        records: Where it was recorded.
        manifest: dbt's manifest of today.
        variables: The `--vars` that the retry runs with.
        project_variables: The vars of `dbt_project.yml`.
    """
    today = fingerprint(manifest)
    parts = []
    for link, nodes in _last_runs(chain):
        if link.fingerprint != today:
            differences = _differing_inputs(link, manifest, variables, project_variables)
            users = users_of(manifest, differences.variables, differences.environment)
            part = compare(manifest, _manifest_of(link, records), nodes, users)
            parts.append(
                replace(
                    part,
                    variables=differences.variables,
                    environment=differences.environment,
                    packages=differences.packages,
                )
            )
    return _together(parts)


def _differing_inputs(
    link: Invocation, manifest: Any, variables: Mapping[str, Any], project_variables: Mapping[str, Any]
) -> StateComparison:
    recorded = link.arguments.get("vars")
    changed = _differences(recorded if isinstance(recorded, Mapping) else {}, variables)
    if link.inputs is None:
        return StateComparison(variables=frozenset(changed))
    now = inputs_of(manifest, project_variables, link.invocation_id)
    return StateComparison(
        variables=frozenset(changed | _differences(link.inputs.variables, now.variables)),
        environment=frozenset(_other_values(link.inputs.environment, now.environment)),
        packages=frozenset(_differences(link.inputs.packages, now.packages)),
    )


def with_place(comparison: StateComparison, before: Place, now: Place | None) -> StateComparison:
    """Add what is different about where the retry runs.

    Args:
        comparison: What is different about the project.
        before: Where the chain ran.
        now: Where the retry runs.
    """
    place = {
        name: (value, getattr(now, name))
        for name, value in vars(before).items()
        if value is not None and now is not None and value != getattr(now, name)
    }
    return replace(comparison, place=place)


def with_changes(comparison: StateComparison, changes: Iterable[tuple[str, Change]]) -> StateComparison:
    """Add the changes that plugins know of.

    Args:
        comparison: dbt's comparison.
        changes: Each with the name of its plugin.
    """
    modified = dict(comparison.modified)
    for plugin, change in changes:
        modified[change.unique_id] = (*modified.get(change.unique_id, ()), f"{plugin}: {change.what}")
    return replace(comparison, modified=modified)


def _other_values(before: Mapping[str, Any], now: Mapping[str, Any]) -> set[str]:
    return {name for name in before.keys() & now.keys() if before[name] != now[name]}


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> set[str]:
    return {str(name) for name in (before.keys() ^ now.keys()) | _other_values(before, now)}


def _last_runs(chain: Chain) -> list[tuple[Invocation, frozenset[str]]]:
    last: dict[str, int] = {}
    for number, link in enumerate(chain.invocations):
        last.update(dict.fromkeys(link.outcomes, number))
    by_link: dict[int, set[str]] = {}
    for unique_id, number in last.items():
        by_link.setdefault(number, set()).add(unique_id)
    return [(chain.invocations[number], frozenset(nodes)) for number, nodes in sorted(by_link.items())]


def _manifest_of(link: Invocation, records: Records) -> Path:
    if not link.recorded and identity_of(records.folder, MANIFEST) == link.invocation_id:
        return records.folder / MANIFEST
    return records.ledger.invocations / link.invocation_id / MANIFEST


def _together(parts: list[StateComparison]) -> StateComparison:
    return StateComparison(
        modified=_merged(part.modified for part in parts),
        # What the newest of them lacked is new; an earlier link may be older than a node that a later one ran.
        added=parts[-1].added if parts else frozenset(),
        removed=frozenset().union(*(part.removed for part in parts)),
        renamed=_merged(part.renamed for part in parts),
        added_parents=_merged(part.added_parents for part in parts),
        unknown=frozenset().union(*(part.unknown for part in parts)),
        disabled=frozenset().union(*(part.disabled for part in parts)),
        variables=frozenset().union(*(part.variables for part in parts)),
        environment=frozenset().union(*(part.environment for part in parts)),
        packages=frozenset().union(*(part.packages for part in parts)),
    )


def _merged(mappings: Any) -> Mapping[str, Any]:
    return {key: value for mapping in mappings for key, value in mapping.items()}
