"""The contract with plugin authors.

A plugin is a module (or an object, or a class that can be made without arguments) with functions that are marked with
`hookimpl` and named as those below. A function may leave out arguments that it does not need. Each hook is of a kind:

- *validate*: its findings can stop a retry. It fails closed: an exception in it is an error finding.
- *contribute*: what it returns becomes part of the retry. One that raises is reported, and left out.
- *observe*: it is told, and cannot change anything. One that raises is reported, and the retry goes on.

Hooks are called in the main thread, before or after dbt runs nodes and never while it does; those of attempts are
called in the threads that run nodes, one at a time. What they are handed is frozen. Everything here is there since
version 0.1; it will get more hooks, and hooks more arguments, in any version; to take one away, or to change what it
means, takes a new major version and a warning in the one before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from dbt_retry_plus.types import (
        Addition,
        Change,
        ComparedRetry,
        EndedAttempt,
        Finding,
        FoundRetry,
        LedgerStore,
        NodeAttempt,
        NodeError,
        PlannedRetry,
        PluginSettings,
        Removal,
        ReportFormat,
        RetryReport,
    )
    from dbt_retry_plus.words import ErrorClass

PROJECT = "dbt_retry_plus"
PREFIX = "retry_plus_"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def retry_plus_options() -> Iterable[click.Option]:
    """Add options to `dbt retry-plus` (contribute).

    Called once in each process that parses or shows them, before there is a project: plugins of a project's own file
    are not asked. Hooks find the values in `retry.options`, by the names of the parameters.

    Returns:
        The options; a name that dbt or this package uses is refused.

    Example:
        @hookimpl
        def retry_plus_options():
            return [click.Option(["--ticket"], help="The ticket that this retry is for.")]
    """


@hookspec
def retry_plus_settings() -> Iterable[PluginSettings]:
    """Say what `plugins` in `dbt_retry_plus.yml` may hold for this plugin (contribute).

    Called once for each retry and each command of `exec`. What no plugin says anything of is handed on as it is.

    Returns:
        The settings, by the name under which they stand; a retry with others is refused.

    Example:
        @hookimpl
        def retry_plus_settings():
            return [PluginSettings("night-shift", {"freeze": dict, "channel": str}, {"channel": "#data"})]
    """


@hookspec
def retry_plus_ledger_stores() -> Iterable[LedgerStore]:
    """Add kinds of stores that the ledger can be kept in (contribute).

    Called once for each command that is recorded, each retry and each `history` or `show` whose ledger is a URL, where
    dbt may not be imported. Stores are opened and used in a thread of their own while a command runs.

    Returns:
        The kinds; one for a scheme that another plugin took is left out.

    Example:
        @hookimpl
        def retry_plus_ledger_stores():
            return [LedgerStore(("vault",), lambda url: VaultStore(url.removeprefix("vault://")))]
    """


@hookspec
def retry_plus_check_record(retry: FoundRetry) -> Iterable[Finding]:
    """Check a retry before its project is parsed (validate).

    Called once for each retry, a dry run included, and also where nothing is left to retry.

    Args:
        retry: What is to be retried, and what it would run with.

    Returns:
        Findings; one of severity error stops the retry.

    Example:
        @hookimpl
        def retry_plus_check_record(retry):
            if retry.place and retry.place.target == "prod" and not retry.options.get("ticket"):
                yield Finding(Severity.ERROR, "no-ticket", "A retry in prod needs a ticket.", "Give --ticket.")
    """


@hookspec
def retry_plus_compare(retry: ComparedRetry) -> Iterable[Change]:
    """Add to the comparison of today's project with the record (contribute).

    Called once for each retry that has something to do, unless `--changed none` is given.

    Args:
        retry: The retry, with dbt's own comparison.

    Returns:
        Changes that dbt does not see; each makes its node count as modified.

    Example:
        @hookimpl
        def retry_plus_compare(retry):
            if Path(retry.project_root, "rates.csv").stat().st_mtime > retry.chain.latest.started_at.timestamp():
                yield Change("model.shop.rates", "rates.csv")
    """


@hookspec
def retry_plus_amend(retry: PlannedRetry) -> Iterable[Addition | Removal]:
    """Add nodes to the retry set, or take some out (contribute).

    Called once for each retry that has something to do. What depends on an added node is rebuilt with it. A node that
    is taken out stays unproven, so such a retry is never green.

    Args:
        retry: The retry, with its plan.

    Returns:
        Additions and removals, each with its reason.

    Example:
        @hookimpl
        def retry_plus_amend(retry):
            large = (node for node in retry.plan.nodes if node.endswith("_history"))
            return [Removal(node, "histories wait for the night") for node in large]
    """


@hookspec
def retry_plus_check_plan(retry: PlannedRetry) -> Iterable[Finding]:
    """Check a retry that is planned, before anything runs (validate).

    Called once for each retry that has something to do, a dry run included.

    Args:
        retry: The retry, with its final plan.

    Returns:
        Findings; one of severity error stops the retry.

    Example:
        @hookimpl
        def retry_plus_check_plan(retry):
            if len(retry.plan.nodes) > 500:
                yield Finding(Severity.WARNING, "large", "More than 500 nodes would run.", "Think of the warehouse.")
    """


@hookspec
def retry_plus_before_execution(retry: PlannedRetry) -> None:
    """Be told that a retry begins (observe).

    Called once for each retry that has something to do, when nothing can stop it any more; never for a dry run.

    Args:
        retry: The retry, with its final plan.

    Example:
        @hookimpl
        def retry_plus_before_execution(retry):
            post(f"Retrying {len(retry.plan.nodes)} nodes")
    """


@hookspec
def retry_plus_after_execution(retry: PlannedRetry, success: bool) -> None:
    """Be told that a retry has ended (observe).

    Called once for each call of `retry_plus_before_execution`, unless the process is killed.

    Args:
        retry: The retry, with its final plan.
        success: Whether all of the plan is proven now, and nothing was left out of it.

    Example:
        @hookimpl
        def retry_plus_after_execution(retry, success):
            post("green" if success else "still red")
    """


@hookspec
def retry_plus_classify(error: NodeError) -> Iterable[ErrorClass]:
    """Say whether trying again can help against an error (contribute).

    Called once for each attempt of a node that an error ended, in the thread that ran it, one at a time. Every plugin
    is asked; what is said later counts, so that an installed plugin overrules ours, and the project's own both.

    Args:
        error: The error.

    Returns:
        Its class, or nothing where the plugin does not know it.

    Example:
        @hookimpl
        def retry_plus_classify(error):
            if error.adapter == "duckdb" and "could not be locked" in error.causes[-1].message:
                yield ErrorClass.TRANSIENT
    """


@hookspec
def retry_plus_before_attempt(attempt: NodeAttempt) -> None:
    """Be told that an attempt of a node begins (observe).

    Called once for each attempt, in the thread that runs the node, one call at a time: the others wait for it.

    Args:
        attempt: The attempt.

    Example:
        @hookimpl
        def retry_plus_before_attempt(attempt):
            counter.add(1, {"node": attempt.unique_id})
    """


@hookspec
def retry_plus_after_attempt(attempt: EndedAttempt) -> None:
    """Be told what an attempt of a node came to (observe).

    Called once for each call of `retry_plus_before_attempt`, and as that is, unless the process is killed.

    Args:
        attempt: The attempt; `delay` tells whether another one follows.

    Example:
        @hookimpl
        def retry_plus_after_attempt(attempt):
            post(f"{attempt.unique_id}: {attempt.status}")
    """


@hookspec
def retry_plus_report_formats() -> Iterable[ReportFormat]:
    """Add formats of reports (contribute).

    Called once for each retry that writes reports, and for each `dbt-retry-plus report`, where dbt is not imported.

    Returns:
        The formats; one with a name that is taken is left out.

    Example:
        @hookimpl
        def retry_plus_report_formats():
            return [ReportFormat("names", ".txt", lambda report: " ".join(node.unique_id for node in report.unproven))]
    """


@hookspec
def retry_plus_report(report: RetryReport) -> None:
    """Be told what a retry came to (observe).

    Called once for each retry, at its very end, also for one that had nothing to do, was refused, or that Ctrl-C has
    ended; and for each command of `exec`, whose report has an empty chain. Not called for a dry run, where the plan was
    not confirmed or nothing was found that could be retried, nor where the process is killed.

    Args:
        report: The account of the retry, which no secret is in.

    Example:
        @hookimpl
        def retry_plus_report(report):
            post(f"{report.verdict.value}: {len(report.unproven)} of {len(report.nodes)} nodes are unproven")
    """
