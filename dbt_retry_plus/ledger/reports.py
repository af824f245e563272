"""The reports that the ledger keeps.

That of a retry that executed nodes stands beside its journal. One that its checks refused has no journal: the newest of
those stands in the ledger's own folder, and the next one takes its place. One that had nothing to do writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from dbt_retry_plus.ledger import quick_json
from dbt_retry_plus.ledger.files import write_atomically

REPORT = "report.json"
LAST_REPORT = "last_report.json"


def keep_report(path: Path, document: Mapping[str, Any]) -> None:
    """Write the document of a report, for its owner only.

    Raises:
        OSError: It cannot be written; what was there before is untouched.
    """
    data = quick_json.encoded(document, "nodes", exact=all(map(_is_finite, document["nodes"])))
    write_atomically(path, lambda file: file.write(data))


def read_report(path: Path) -> dict[str, Any] | None:
    """Read the document of a report; None where there is none that is whole."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _is_finite(node: Mapping[str, Any]) -> bool:
    times = (node["previous"]["execution_time"], *(attempt["execution_time"] for attempt in node["attempts"]))
    return all(map(isfinite, times))
