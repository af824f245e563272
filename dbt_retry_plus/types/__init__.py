"""The frozen values that travel from the ledger through planning to execution, the hooks and the reports."""

from dbt_retry_plus.types.attempts import AttemptRules, EndedAttempt, ErrorCause, NodeAttempt, NodeError
from dbt_retry_plus.types.hooks import (
    Addition,
    Change,
    ComparedRetry,
    FoundRetry,
    PlannedRetry,
    PluginSettings,
    Removal,
)
from dbt_retry_plus.types.plan import EffectiveArguments, Finding, Plan, PlannedNode
from dbt_retry_plus.types.project import Graph, GraphNode, StateComparison
from dbt_retry_plus.types.record import Chain, Invocation, Outcome, Place, ProjectInputs
from dbt_retry_plus.types.report import Attempt, ReportedLink, ReportedNode, ReportFormat, RetryReport
from dbt_retry_plus.types.store import LedgerStore, Store, StoredObject

__all__ = [
    "Addition",
    "Attempt",
    "AttemptRules",
    "Chain",
    "Change",
    "ComparedRetry",
    "EffectiveArguments",
    "EndedAttempt",
    "ErrorCause",
    "Finding",
    "FoundRetry",
    "Graph",
    "GraphNode",
    "Invocation",
    "LedgerStore",
    "NodeAttempt",
    "NodeError",
    "Outcome",
    "Place",
    "Plan",
    "PlannedNode",
    "PlannedRetry",
    "PluginSettings",
    "ProjectInputs",
    "Removal",
    "ReportFormat",
    "ReportedLink",
    "ReportedNode",
    "RetryReport",
    "StateComparison",
    "Store",
    "StoredObject",
]
