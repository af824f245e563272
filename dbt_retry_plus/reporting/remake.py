"""Finding the report of an invocation, and making it anew where the invocation came to write none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.find import Records
from dbt_retry_plus.ledger.journal import JOURNAL
from dbt_retry_plus.ledger.local import LedgerEntry
from dbt_retry_plus.ledger.planned import read_planned
from dbt_retry_plus.ledger.recorded import read_recorded
from dbt_retry_plus.ledger.reports import LAST_REPORT, REPORT, read_report
from dbt_retry_plus.ledger.run_results import MANIFEST
from dbt_retry_plus.planning.chain import fold
from dbt_retry_plus.planning.retry_set import plan_retry
from dbt_retry_plus.reporting.document import report_document, report_from, storable
from dbt_retry_plus.reporting.first_run import report_of_first_run
from dbt_retry_plus.reporting.report import make_report
from dbt_retry_plus.types import Chain, EffectiveArguments, Finding, GraphNode, Invocation, Plan, RetryReport

_NEVER = datetime.min.replace(tzinfo=timezone.utc)


def find_report(records: Records, prefix: str | None) -> RetryReport:
    """Return the report of an invocation.

    Args:
        records: What is on record.
        prefix: The beginning of its id; when None, the newest retry or command with attempts.

    Raises:
        RetryRefusedError: There is no such invocation, it is still running, or what it retried is gone.
    """
    last = _kept(records.ledger.folder / LAST_REPORT)
    if prefix is None:
        reported = [entry for entry in records.entries if entry.retry_of is not None or entry.header.get("exec")]
        newest = _report_of(records, reported[-1]) if reported else None
        found = max((r for r in (newest, last) if r), key=lambda report: report.started_at or _NEVER, default=None)
        if found is None:
            raise RetryRefusedError(
                f"There is no retry on the ledger in '{records.ledger.name}'. "
                "`dbt-retry-plus history` lists the invocations that there are; name one to have it reported on."
            )
        return found
    if last and last.invocation_id.startswith(prefix):
        return last
    wanted = records.id_of(prefix)
    return _report_of(records, next(entry for entry in records.entries if entry.invocation_id == wanted))


def _report_of(records: Records, entry: LedgerEntry) -> RetryReport:
    records.ledger.complete(entry.invocation_id)
    kept = _kept(entry.folder / REPORT)
    if kept is not None and kept.invocation_id == entry.invocation_id:
        return kept
    if records.ledger.is_running(entry.invocation_id):
        raise RetryRefusedError(
            f"The invocation {entry.invocation_id} is still running. Ask for its report when it has ended."
        )
    return _remade(records, entry)


def _remade(records: Records, entry: LedgerEntry) -> RetryReport:
    after = read_recorded(entry)
    if entry.retry_of is None:
        return _storable(report_of_first_run(after, _graph_of(entry.folder / MANIFEST)))
    links = records.chain(entry.invocation_id).invocations
    ids = [link.invocation_id for link in links]
    before = links[: ids.index(entry.invocation_id)] if entry.invocation_id in ids else ()
    if not before:
        raise RetryRefusedError(
            f"What {entry.invocation_id} retried is not on the ledger any more, so there is no report of it. "
            f"`dbt-retry-plus show {after.short_id}` tells what it did."
        )
    chain = fold(before)
    plan, findings = read_planned(entry.folder / JOURNAL, chain) or _plan_of(chain, after)
    arguments = EffectiveArguments(after.command, after.arguments, dict.fromkeys(after.arguments, "recorded"))
    return _storable(make_report(chain, arguments, plan, findings, after, graph=_graph_of(entry.folder / MANIFEST)))


def _storable(report: RetryReport) -> RetryReport:
    return report_from(json.loads(json.dumps(storable(report_document(report)), default=str)))


def _plan_of(chain: Chain, after: Invocation) -> tuple[Plan, tuple[Finding, ...]]:
    """What the chain alone has a retry do, as far as it was done: `dbt retry` tells no more."""
    plan = plan_retry(chain)
    chosen = after.selection if after.selection is not None else plan.nodes.keys()
    left_out = frozenset(plan.nodes.keys() - chosen)
    nodes = {unique_id: node for unique_id, node in plan.nodes.items() if unique_id in chosen}
    return Plan(nodes, plan.hooks, plan.proven - chosen, left_out), ()


def _kept(path: Path) -> RetryReport | None:
    document = read_report(path)
    try:
        return report_from(document) if document is not None else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _graph_of(path: Path) -> Mapping[str, GraphNode]:
    """The project as the retry has kept it; without it, a report tells no nodes' parents."""
    try:
        manifest = json.loads(path.read_bytes())
        nodes = {**manifest["nodes"], **manifest.get("unit_tests", {})}
        return {unique_id: _graph_node(unique_id, node) for unique_id, node in nodes.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _graph_node(unique_id: str, node: Mapping[str, Any]) -> GraphNode:
    return GraphNode(
        unique_id,
        node["resource_type"],
        tuple(node.get("depends_on", {}).get("nodes", ())),
        node.get("config", {}).get("materialized") == "ephemeral",
    )
