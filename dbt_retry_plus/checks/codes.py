"""The codes of our findings: what settings can raise, lower or silence, and README lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dbt_retry_plus.words import Severity


@dataclass(frozen=True)
class Code:
    """What is known of the findings of one code.

    Attributes:
        severity: What they are unless settings say otherwise.
        meaning: When there is one, as README says it.
        passable: Whether `--force` lets the retry run in spite of it.
    """

    severity: Severity
    meaning: str
    passable: bool = False


_ERROR, _WARNING = Severity.ERROR, Severity.WARNING

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "still-running": Code(_ERROR, "The process of the invocation to retry is alive on this machine."),
        "record-too-old": Code(_ERROR, "The invocation to retry is older than `max_age`.", passable=True),
        "profile-differs": Code(_ERROR, "The retry would run with another profile.", passable=True),
        "target-differs": Code(_ERROR, "The retry would run against another target.", passable=True),
        "adapter-differs": Code(_ERROR, "The target has an adapter of another type now.", passable=True),
        "schema-differs": Code(_ERROR, "The target has another schema now.", passable=True),
        "state-gone": Code(_ERROR, "What the original command deferred to is not there any more."),
        "operation-half-done": Code(
            _ERROR, "A run-operation was stopped while it ran; it may not be idempotent.", passable=True
        ),
        "ledger-unreachable": Code(
            _ERROR, "The store of the ledger cannot be reached; `--ledger-optional` passes it, `--force` does not."
        ),
        "plugin-broken": Code(_ERROR, "A plugin could not be loaded; a warning where it holds no check."),
        "plugin-failed": Code(_ERROR, "A plugin's check raised an exception; a warning for its other hooks."),
        "stale-artifacts": Code(_WARNING, "`manifest.json` is of a later command, which is not on record."),
        "not-recorded": Code(_WARNING, "dbt's own results are all that tells what was selected."),
        "selection-unknown": Code(_WARNING, "What was selected cannot be resolved: all that can run counts."),
        "selection-changed": Code(_WARNING, "The selection has more or fewer nodes than it had."),
        "node-gone": Code(_WARNING, "A node to retry was removed, renamed or disabled."),
        "changed-not-run": Code(_WARNING, "Nodes changed since they succeeded, and stay as they are."),
        "renamed-not-run": Code(_WARNING, "A node that succeeded has another name now, which nothing has built."),
        "state-unknown": Code(_WARNING, "Whether nodes changed since they succeeded is not on record."),
        "relation-missing": Code(_WARNING, "The warehouse lacks proven nodes (`--check-relations`): they are rebuilt."),
        "dbt-version-differs": Code(_WARNING, "dbt-core has another version now."),
        "adapter-version-differs": Code(_WARNING, "The adapter has another version now."),
        "job-changed": Code(_ERROR, "The steps of a job are not those that the run to resume had.", passable=True),
        "job-environment-changed": Code(_WARNING, "The `env` of a job is not what its earlier steps ran with."),
        "step-not-recorded": Code(_WARNING, "No invocation of the step of a job to resume is on record."),
    }
)
