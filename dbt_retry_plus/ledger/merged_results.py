"""`run_results.json` of the whole command: what a retry ran, and what was proven before it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from dbt_retry_plus.ledger import quick_json
from dbt_retry_plus.ledger.files import copy_atomically, write_atomically
from dbt_retry_plus.ledger.run_results import RUN_RESULTS
from dbt_retry_plus.types import Chain, Outcome
from dbt_retry_plus.words import INTERRUPTED, NOT_STARTED

# The fields of a row since run-results v6, which dbt-core 1.8 to 1.12 write and read.
_EMPTY_ROW: Mapping[str, Any] = {
    "status": None,
    "timing": [],
    "thread_id": "",
    "execution_time": 0.0,
    "adapter_response": {},
    "message": None,
    "failures": None,
    "unique_id": None,
    "compiled": None,
    "compiled_code": None,
    "relation_name": None,
    "batch_results": None,
}

_FIELDS = _EMPTY_ROW.keys() | {"overload_results"}  # which is there since dbt-core 1.12

# dbt knows no such statuses; these have dbt's own selectors and loaders take the node for unproven.
_IN_DBTS_WORDS: Mapping[str, str] = {INTERRUPTED: "error", NOT_STARTED: "skipped"}


def publish_results(raw: Path, target: Path, chain: Chain, present: AbstractSet[str], *, merge: bool) -> None:
    """Put the results of a retry where dbt and others look for them.

    Args:
        raw: What the retry alone wrote; nothing happens when it came to no results, or to half of them.
        target: The target folder.
        chain: What was retried.
        present: Today's nodes that dbt writes rows for: those of nodes that are gone are left out.
        merge: Whether the rows of the chain are filled in, or upstream's way is wanted.

    Raises:
        OSError: The file cannot be written; the old one is untouched.
    """
    if not raw.is_file():
        return
    try:
        document = json.loads(raw.read_bytes())
    except ValueError:
        return  # an interrupt hit dbt while it wrote this
    if not merge:
        copy_atomically(raw, target / RUN_RESULTS, owner_only=False)
        return
    rows = document["results"] = _merged(document["results"], chain, present)
    data = quick_json.encoded(document, "results", exact=all(map(quick_json.as_written, rows)))
    write_atomically(target / RUN_RESULTS, lambda file: file.write(data), owner_only=False)


def _merged(new_rows: list[dict[str, Any]], chain: Chain, present: AbstractSet[str]) -> list[Mapping[str, Any]]:
    new = {row["unique_id"]: row for row in new_rows}
    kept = [
        new.pop(unique_id) if unique_id in new else row_of(outcome)
        for unique_id, outcome in chain.outcomes.items()
        if unique_id in new or (unique_id in present if not outcome.is_hook else _is_reported(outcome))
    ]
    return [*kept, *new.values()]


def _is_reported(hook: Outcome) -> bool:
    """Whether dbt has written a row for a hook: it began to in 1.9, and a journal's row has less in it."""
    return bool(hook.row and "thread_id" in hook.row)


def _is_of(outcome: Outcome, row: Mapping[str, Any]) -> bool:
    return bool(row["unique_id"] == outcome.unique_id and row["status"] == outcome.status)


def row_of(outcome: Outcome) -> Mapping[str, Any]:
    """Return the row of an outcome as dbt writes it, whether a journal or an artifact told of it."""
    known = outcome.row or {}
    if not known.keys() <= _FIELDS:
        known = {name: value for name, value in known.items() if name in _FIELDS}
    elif outcome.proven and known.keys() >= _EMPTY_ROW.keys() and _is_of(outcome, known):
        return known
    row = {**_EMPTY_ROW, **known, "unique_id": outcome.unique_id, "status": outcome.status}
    if outcome.status in _IN_DBTS_WORDS:
        row.update(status=_IN_DBTS_WORDS[outcome.status], message=outcome.status)
    return row
