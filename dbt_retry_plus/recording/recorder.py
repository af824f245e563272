"""Journalling the invocation of this process, from dbt's log events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dbt_retry_plus.dbtcore.events import log_warning
from dbt_retry_plus.dbtcore.recorded_events import journal_entry
from dbt_retry_plus.dbtcore.running import (
    RunningInvocation,
    resolved_arguments,
    selected_now,
    stop_listening,
)
from dbt_retry_plus.dbtcore.state import fingerprint, inputs_of
from dbt_retry_plus.ledger import journal
from dbt_retry_plus.ledger.attempts import attempt_entry
from dbt_retry_plus.ledger.files import copy_atomically
from dbt_retry_plus.ledger.local import LedgerEntry, LocalLedger, OpenInvocation
from dbt_retry_plus.ledger.retention import prune
from dbt_retry_plus.ledger.run_results import MANIFEST, RUN_RESULTS, identity_of
from dbt_retry_plus.ledger.summary import keep_summary, make_summary
from dbt_retry_plus.recording.lines import Lines
from dbt_retry_plus.settings import Settings
from dbt_retry_plus.types import EndedAttempt

if TYPE_CHECKING:
    from dbt_retry_plus.ledger.claims import Claim
    from dbt_retry_plus.ledger.remote import RemoteLedger
    from dbt_retry_plus.ledger.shipping import Shipper


class Recorder:
    """Writes one journal; whatever goes wrong ends the record, with one warning, and never the command."""

    def __init__(
        self,
        running: RunningInvocation,
        ledger: LocalLedger,
        opened: OpenInvocation,
        header: Mapping[str, Any],
        lines: Lines,
        settings: Settings,
    ) -> None:
        """Write what is heard of `running` to `opened`, the journal that begins with `header`."""
        self.folder = opened.folder
        self.running = running
        self._ledger = ledger
        self._opened = opened
        self._header = header
        self._lines = lines
        self._settings = settings
        self._selected_before = selected_now()
        self._selection_written = False
        self._writing = True
        self._nodes_ended = False
        self._failed = False
        self._completed: Mapping[str, Any] = {}
        self._statuses: dict[str, int] = {}
        self._shipper: Shipper | None = None

    def handle(self, message: Any) -> None:
        """Hear one event of dbt's (`EventMsg`), in whichever thread fires it."""
        if not self._writing:
            return
        try:
            self._hear(message)
        except Exception as error:  # nothing that fails here may reach dbt
            self._give_up(error)

    def write_retry_set(
        self,
        nodes: list[str],
        whole: list[str],
        arguments: Mapping[str, Any],
        command: str,
        plan: Mapping[str, Any] | None = None,
    ) -> None:
        """Write what a retry will execute, where dbt's own selection does not tell.

        Args:
            nodes: The retry set.
            whole: All nodes of the original selection, those in the retry set and those that are proven.
            arguments: The arguments that it runs with.
            command: dbt's `which` of the retried command.
            plan: Why each node runs, and what the checks said, for a report of a retry that is killed.
        """
        self._selection_written = True
        selection = {"nodes": nodes, "whole": whole, "command": command, "arguments": arguments, "plan": plan}
        self._guarded(self._append, {"event": journal.SELECTION, "at": journal.now(), **selection})

    def write_attempt(self, attempt: EndedAttempt) -> None:
        """Write that an attempt of a node failed, and whether another one follows."""
        self._guarded(self._append, attempt_entry(attempt))

    def write_state_of(self, manifest: Any) -> None:
        """Write what tells whether a later project is the same.

        Args:
            manifest: dbt's manifest, as this invocation has parsed it.
        """
        self._guarded(self._append_state, manifest)

    def ship_to(self, remote: RemoteLedger, claim: Claim | None) -> None:
        """Ship what is recorded to a store too, from a thread of its own.

        Args:
            remote: Where.
            claim: The claim in there to the chain that is retried.
        """
        from dbt_retry_plus.ledger.shipping import Shipper

        entry = LedgerEntry(self.folder, self._header)
        self._shipper = Shipper(remote, entry, self._settings, log_warning, claim)
        self._shipper.start()

    def ship_also(self, links: list[LedgerEntry]) -> None:
        """Ship what this invocation retries, where the store lacks it."""
        if self._shipper is not None:
            self._shipper.also(links)

    def close(self) -> None:
        """End the record: keep dbt's results of this invocation, write the last line, make room."""
        stop_listening(self.handle)
        self._guarded(self._end)
        self._writing = False
        try:
            self._opened.close()
            if self._shipper is not None:
                self._shipper.finish()
            prune(self._ledger, self._settings)
        except Exception as error:  # as above
            log_warning(f"dbt-retry-plus could not tidy its ledger: {error}")

    def _hear(self, message: Any) -> None:
        name = message.info.name
        entry = journal_entry(message)
        if entry is not None:
            self._append(entry)
        elif name == "ConcurrencyLine":
            self._nodes_begin(message.data.node_count)
        elif name == "EndRunResult":
            self._nodes_ended = True
            self._statuses = Counter(result.status for result in message.data.results)
        elif name == "MainEncounteredError":
            self._failed = True
            self._append(
                {"event": journal.ERROR, "at": journal.now(), "message": message.data.exc[: journal.LONGEST_MESSAGE]}
            )
        elif name == "CommandCompleted":
            self._completed = {"success": message.data.success, "elapsed": message.data.elapsed}

    def _nodes_begin(self, announced: int) -> None:
        selected = selected_now()
        if not self._selection_written:
            own = selected is not self._selected_before  # a list that an earlier command left says nothing
            arguments = resolved_arguments()
            selection = {"nodes": list(selected) if own else None, "expected": announced}
            settled = {"command": arguments["which"], "arguments": arguments}
            self._append({"event": journal.SELECTION, "at": journal.now(), **selection, **settled})
        if identity_of(self.running.target_path, MANIFEST) == self.running.invocation_id:
            copy_atomically(self.running.target_path / MANIFEST, self.folder / MANIFEST)

    def _append_state(self, manifest: Any) -> None:
        inputs = inputs_of(manifest, self.running.project_variables, self.running.invocation_id)
        made_with = {"env_vars": inputs.environment, "packages": inputs.packages, "vars": inputs.variables}
        state = {"fingerprint": fingerprint(manifest), **made_with}
        self._append({"event": journal.STATE, "at": journal.now(), **state})

    def _end(self) -> None:
        own = self.folder / RUN_RESULTS  # of a retry, which writes here first: the target folder gets the merged ones
        if not own.exists() and identity_of(self.running.target_path) == self.running.invocation_id:
            copy_atomically(self.running.target_path / RUN_RESULTS, own)
        complete = self._nodes_ended or (bool(self._completed) and not self._failed)
        self._append({"event": journal.END, "at": journal.now(), "complete": complete, **self._completed})
        if self._nodes_ended:
            self._keep_summary()

    def _keep_summary(self) -> None:
        result = "success" if self._completed.get("success") else "error"
        entry = LedgerEntry(self.folder, self._header)
        command = str(resolved_arguments()["which"])
        keep_summary(self.folder, make_summary(entry, self._statuses, result, self._completed.get("elapsed"), command))

    def _append(self, entry: Mapping[str, Any]) -> None:
        self._opened.journal.append(self._lines.encode(entry))

    def _guarded(self, write: Any, *arguments: Any) -> None:
        if not self._writing:
            return
        try:
            write(*arguments)
        except Exception as error:  # as above
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self._writing = False
        log_warning(
            f"dbt-retry-plus stopped recording this invocation ({type(error).__name__}: {error}). "
            "A retry of it will run again what is not on record."
        )
