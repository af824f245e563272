"""Finding the invocation that an orchestrator has run for one of its tasks, on whichever machine that was."""

from __future__ import annotations

from dataclasses import dataclass

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.execution.announce import log_findings
from dbt_retry_plus.execution.request import RetryRequest
from dbt_retry_plus.execution.shared_ledger import SharedLedger
from dbt_retry_plus.ledger.find import read_records
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.ledger.summary import result_of
from dbt_retry_plus.settings import ledger_folder
from dbt_retry_plus.types import Chain, Invocation


@dataclass(frozen=True)
class Tagged:
    """The newest invocation of a task.

    Attributes:
        invocation: The invocation.
        chain: The chain that it is part of.
    """

    invocation: Invocation
    chain: Chain

    @property
    def unproven(self) -> int:
        """How many nodes of the chain are known to be unproven."""
        return sum(not outcome.proven for outcome in self.chain.outcomes.values())

    @property
    def result(self) -> str:
        """What the chain came to: `success` when nothing is left of it, `error`, or `interrupted`."""
        latest = result_of(self.chain.latest)
        return "error" if latest == "success" and self.unproven else latest


def find_tagged(request: RetryRequest, tag: str) -> Tagged | None:
    """Find the newest invocation of a task, and fetch what this machine lacks of its chain.

    Args:
        request: What the user asked for; only where to look is read of it.
        tag: What the orchestrator called the task.

    Returns:
        The invocation; None where none is on record.

    Raises:
        RetryRefusedError: The ledger cannot be read, or the store cannot be reached.
    """
    ledger = LocalLedger(ledger_folder(request.settings, request.project_root, request.target_path))
    shared = SharedLedger(request, ledger)
    shared.fetch(tag)
    log_findings(shared.findings)
    records = read_records(ledger, request.folder, request.project_name)
    found = next((entry.invocation_id for entry in reversed(records.entries) if entry.tag == tag), None)
    if found is None:
        return None
    chain = records.chain(found)
    invocation = next((link for link in chain.invocations if link.invocation_id == found), None)
    if invocation is None:
        raise RetryRefusedError(f"Invocation {found} ended before it executed any node, and what it retried is gone.")
    return Tagged(invocation, chain)
