"""Taking a chain that is recorded elsewhere, or in dbt's artifacts alone, onto a ledger."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from dbt_retry_plus.ledger import journal
from dbt_retry_plus.ledger.files import copy_atomically
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.ledger.run_results import MANIFEST, RUN_RESULTS, identity_of
from dbt_retry_plus.types import Chain, Invocation


def adopt(chain: Chain, ledger: LocalLedger, project: str, folder: Path, recorded_in: LocalLedger) -> None:
    """Put every link of a chain that a ledger lacks on it, so that the retry to come finds what it builds on.

    Args:
        chain: What is about to be retried.
        ledger: Where the retry will be recorded.
        project: Name of the project.
        folder: The folder of dbt's artifacts, for an invocation that they alone tell of.
        recorded_in: The ledger that the chain was read from.

    Raises:
        OSError: The ledger cannot be written.
    """
    for invocation in chain.invocations:
        place = ledger.invocations / invocation.invocation_id
        if place.exists():
            continue
        if invocation.recorded:
            _copy(recorded_in.invocations / invocation.invocation_id, place)
        else:
            selection = [u for u, o in chain.outcomes.items() if not o.is_hook or not o.row]
            _write(invocation, selection, ledger, project, folder)


def _copy(source: Path, place: Path) -> None:
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = place.with_name(f".new-{place.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        shutil.copytree(source, unfinished)
        for path in (unfinished, *unfinished.rglob("*")):
            path.chmod(0o700 if path.is_dir() else journal.OWNER_ONLY_FILE)
        unfinished.rename(place)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        if isinstance(error, shutil.Error):  # a list of all that could not be copied: the first will do
            raise OSError(error.args[0][0][-1]) from error
        raise


def _write(invocation: Invocation, selection: list[str], ledger: LocalLedger, project: str, folder: Path) -> None:
    opened = ledger.open(
        invocation.invocation_id,
        journal.encode(
            {
                "event": journal.INVOCATION,
                "schema": journal.SCHEMA,
                "invocation_id": invocation.invocation_id,
                "command": invocation.command,
                "started_at": journal.time_text(invocation.started_at) if invocation.started_at else "",
                "retry_of": None,
                "project": project,
                "dbt_version": invocation.dbt_version,
                "arguments": invocation.arguments,
                "adopted": True,
            }
        ),
    )
    try:
        for artifact in (RUN_RESULTS, MANIFEST):
            if identity_of(folder, artifact) == invocation.invocation_id:
                copy_atomically(folder / artifact, opened.folder / artifact)
        lines: list[dict[str, Any]] = [{"event": journal.SELECTION, "nodes": selection, "expected": None}]
        lines += [{"event": journal.FINISH, "node": u, "row": o.row} for u, o in invocation.outcomes.items()]
        # What is known to be missing stays missing: an invocation that did not come to all of its nodes never ended.
        complete = all(unique_id in invocation.outcomes for unique_id in selection)
        lines.append({"event": journal.END, "complete": complete, "success": None})
        for line in lines:
            opened.journal.append(journal.encode(line))
    finally:
        opened.close()
