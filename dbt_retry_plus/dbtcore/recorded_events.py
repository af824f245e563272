"""From dbt's log events to entries of the journal.

Only fields that dbt-core 1.8 to 1.12 all have are read, and only of the few events that tell what became of a node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]  # it ships no types

from dbt_retry_plus.ledger.journal import BATCH, FINISH, START
from dbt_retry_plus.words import EPHEMERAL, PROVEN_STATUSES

_EPHEMERAL = "ephemeral"  # dbt's materialization
_COUNTED = frozenset({"pass", "fail", "warn"})  # of tests
_HOOK_STATUSES = {"success": "success", "skipped": "skipped"}


def journal_entry(message: Any) -> Mapping[str, Any] | None:
    """Make the journal's entry of an event (`EventMsg`); None for those that the journal does not need."""
    make = _ENTRIES.get(message.info.name)
    return make(message) if make else None


def _node_start(message: Any) -> Mapping[str, Any] | None:
    node = message.data.node_info
    if node.materialized == _EPHEMERAL:  # compiled into its children, it is nothing that could be half done
        return None
    return {"event": START, "node": node.unique_id, "at": _time(message)}


def _node_finished(message: Any) -> Mapping[str, Any] | None:
    node, result = message.data.node_info, message.data.run_result
    if node.materialized == _EPHEMERAL and result.status not in PROVEN_STATUSES:
        return None  # its children tell
    row = {
        "status": result.status,
        "timing": [MessageToDict(timing, preserving_proto_field_name=True) for timing in result.timing_info],
        "thread_id": result.thread,
        "execution_time": result.execution_time,
        "adapter_response": MessageToDict(result.adapter_response),
        "message": result.message,
        # The event says 0 where dbt's results say nothing.
        "failures": result.num_failures or (0 if result.status in _COUNTED else None),
        "relation_name": node.node_relation.relation_name or None,
        EPHEMERAL: node.materialized == _EPHEMERAL,
    }
    entry = {"event": FINISH, "node": node.unique_id, "at": _time(message), "row": row}
    checksum = getattr(node, "node_checksum", "")
    return {**entry, "checksum": checksum} if checksum else entry


def _hook_start(message: Any) -> Mapping[str, Any]:
    return {"event": START, "node": message.data.node_info.unique_id, "at": _time(message)}


def _hook_end(message: Any) -> Mapping[str, Any]:
    hook = message.data
    # Before dbt-core 1.9 the status is the adapter's answer, and a hook that fails ends the command instead.
    status = "error" if hook.status in ("error", "fail") else _HOOK_STATUSES.get(hook.status, "success")
    row = {"status": status, "execution_time": hook.execution_time, "message": hook.statement}
    return {"event": FINISH, "node": hook.node_info.unique_id, "at": _time(message), "row": row}


def _batch_result(message: Any) -> Mapping[str, Any]:
    batch = message.data
    return {
        "event": BATCH,
        "node": batch.node_info.unique_id,
        "at": _time(message),
        "index": batch.batch_index,
        "of": batch.total_batches,
        "status": batch.status,
        "description": batch.description,
    }


def _time(message: Any) -> str:
    return str(message.info.ts.ToJsonString())


_ENTRIES: Mapping[str, Callable[[Any], Mapping[str, Any] | None]] = {
    "NodeStart": _node_start,
    "NodeFinished": _node_finished,
    "LogHookStartLine": _hook_start,
    "LogHookEndLine": _hook_end,
    "LogBatchResult": _batch_result,
}
