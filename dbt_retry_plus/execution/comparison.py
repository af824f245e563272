"""What changed since each node of a chain was last run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dbt_retry_plus.dbtcore.state import compare, fingerprint
from dbt_retry_plus.ledger.find import Records
from dbt_retry_plus.ledger.run_results import MANIFEST, identity_of
from dbt_retry_plus.types import Chain, Invocation, StateComparison


def compare_with_record(chain: Chain, records: Records, manifest: Any) -> StateComparison:
    """Compare today's project with what each node of a chain was last run from.

    Args:
        chain: What was recorded.
        records: Where it was recorded.
        manifest: dbt's manifest of today.
    """
    today = fingerprint(manifest)
    found = [
        compare(manifest, _manifest_of(link, records), nodes)
        for link, nodes in _last_runs(chain)
        if link.fingerprint != today
    ]
    return _together(found)


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
    )


def _merged(mappings: Any) -> Mapping[str, Any]:
    return {key: value for mapping in mappings for key, value in mapping.items()}
