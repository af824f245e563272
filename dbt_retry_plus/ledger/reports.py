"""The reports that the ledger keeps.

That of a retry that executed nodes stands beside its journal. One that its checks refused has no journal: the newest of
those stands in the ledger's own folder, and the next one takes its place. One that had nothing to do writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dbt_retry_plus.ledger.files import write_atomically

REPORT = "report.json"
LAST_REPORT = "last_report.json"


def keep_report(path: Path, document: Mapping[str, Any]) -> None:
    """Write the document of a report, for its owner only.

    Raises:
        OSError: It cannot be written; what was there before is untouched.
    """
    data = json.dumps(document, separators=(",", ":")).encode()
    write_atomically(path, lambda file: file.write(data))


def read_report(path: Path) -> dict[str, Any] | None:
    """Read the document of a report; None where there is none that is whole."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
