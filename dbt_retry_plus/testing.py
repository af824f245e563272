"""A pytest plugin for those who write plugins: name it in `pytest_plugins` of your `conftest.py`.

Fixtures whose names begin with `make_` make what hooks are handed, with defaults for all that a test does not care
about. `call_hook` calls a hook of a plugin as a retry does. `failing_project` is a dbt project on DuckDB that a build
has just failed in. What is here follows semantic versioning as hooks do.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import pluggy
import pytest

from dbt_retry_plus import hookspecs
from dbt_retry_plus.hook_kinds import KIND_OF_HOOK, Kind
from dbt_retry_plus.planning.chain import fold
from dbt_retry_plus.planning.retry_set import plan_retry
from dbt_retry_plus.plugin_manager import PluginInfo, Plugins
from dbt_retry_plus.reporting.report import make_report as report_of
from dbt_retry_plus.types import (
    Chain,
    EffectiveArguments,
    ErrorCause,
    Finding,
    GraphNode,
    Invocation,
    NodeError,
    Outcome,
    PlannedRetry,
    RetryReport,
    StateComparison,
)
from dbt_retry_plus.words import ErrorKind

NOW = datetime(2026, 1, 2, 12, tzinfo=timezone.utc)
"""When all that is made here happens, unless a test says otherwise."""

_NAME = "plugin-under-test"
_FILES: Mapping[str, str] = {
    "dbt_project.yml": "{name: shop, version: '1.0', profile: shop, config-version: 2}\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n",
    "models/customers.sql": "select 1 as id\n",
    "models/orders.sql": "select id, amount from {{ ref('customers') }}\n",
    "models/revenue.sql": "select count(*) as orders from {{ ref('orders') }}\n",
}
_REPAIRED = "select id, 10 as amount from {{ ref('customers') }}\n"


class MakeChain(Protocol):
    """Makes the record of an invocation."""

    def __call__(self, statuses: Mapping[str, str], **fields: Any) -> Chain:
        """Make it.

        Args:
            statuses: dbt's status of each node, by its unique_id.
            fields: Fields of `Invocation` that matter to the test.
        """


class MakeRetry(Protocol):
    """Makes a retry as hooks are handed it."""

    def __call__(self, statuses: Mapping[str, str], **fields: Any) -> PlannedRetry:
        """Make it.

        Args:
            statuses: dbt's status of each node before the retry, by its unique_id.
            fields: Fields of `PlannedRetry` that matter to the test, such as `settings`, `options`, `now` or `place`.
        """


class MakeReport(Protocol):
    """Makes the report of a retry."""

    def __call__(self, before: Mapping[str, str], after: Mapping[str, str], **fields: Any) -> RetryReport:
        """Make it.

        Args:
            before: dbt's status of each node before the retry, by its unique_id.
            after: That of each node that the retry ran.
            fields: Fields of `RetryReport` that matter to the test.
        """


@pytest.fixture
def make_chain() -> MakeChain:
    """Make the record of an invocation: `make_chain({"model.shop.orders": "error"})`."""
    return _chain


@pytest.fixture
def make_comparison() -> Callable[..., StateComparison]:
    """Make a comparison: `make_comparison(modified={"model.shop.orders": ("body",)})`."""
    return StateComparison


@pytest.fixture
def make_retry() -> MakeRetry:
    """Make a retry that is planned: `make_retry({"model.shop.orders": "error"}, settings={"mine": {...}})`.

    It is a `FoundRetry` and a `ComparedRetry` too, and so fits every hook that is handed a retry.
    """
    return _retry


@pytest.fixture
def make_report() -> MakeReport:
    """Make a report: `make_report({"model.shop.orders": "error"}, {"model.shop.orders": "success"})`."""
    return _report


@pytest.fixture
def make_error() -> Callable[..., NodeError]:
    """Make the error of a node: `make_error("connection reset", type="requests.exceptions.ConnectionError")`."""
    return _error


@pytest.fixture
def call_hook() -> Callable[..., list[Any]]:
    """Call a hook of a plugin as a retry does: `call_hook(plugin, "retry_plus_check_plan", retry=make_retry(...))`.

    It returns what the hook returned, as a list. Of a check that is its findings, with the codes that users see; where
    it raised, the finding that users get.
    """
    return _call


@dataclass(frozen=True)
class FailingProject:
    """A dbt project on DuckDB: of its three models one is built, one has failed, and one was skipped.

    Attributes:
        folder: The project.
    """

    folder: Path

    def dbt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run dbt in it, as a user does; standard output and error are text."""
        environment = {
            **os.environ,
            "DBT_PROFILES_DIR": str(self.folder),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_USE_COLORS": "false",
        }
        program = str(Path(sys.executable).with_name("dbt"))
        return subprocess.run(
            [program, *arguments], cwd=self.folder, env=environment, text=True, capture_output=True, check=False
        )

    def repair(self) -> None:
        """Mend the model that failed."""
        (self.folder / "models" / "orders.sql").write_text(_REPAIRED)


@pytest.fixture
def failing_project(tmp_path: Path) -> FailingProject:
    """Make a dbt project that a build has just failed in; it needs dbt-duckdb."""
    project = FailingProject(tmp_path / "failing_project")
    for path, text in _FILES.items():
        (project.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / path).write_text(text)
    built = project.dbt("build")
    if built.returncode != 1:
        pytest.fail(f"dbt build was meant to fail, and ended with {built.returncode}:\n{built.stdout}{built.stderr}")
    return project


def _chain(statuses: Mapping[str, str], **fields: Any) -> Chain:
    outcomes = {unique_id: Outcome(unique_id, status) for unique_id, status in statuses.items()}
    values: dict[str, Any] = {
        "invocation_id": "4f3a91c0-0000-4000-8000-000000000000",
        "command": "build",
        "arguments": {},
        "outcomes": outcomes,
        "source": "a test",
        "started_at": NOW - timedelta(hours=1),
        "recorded": True,
        "project": "shop",
        "target": "dev",
    }
    return fold([Invocation(**{**values, **fields})])


def _retry(statuses: Mapping[str, str], **fields: Any) -> PlannedRetry:
    chain = fields.pop("chain", None) or _chain(statuses)
    values: dict[str, Any] = {
        "chain": chain,
        "arguments": EffectiveArguments(chain.original.command, {}, {}),
        "project_root": Path.cwd(),
        "now": NOW,
        "graph": {unique_id: GraphNode(unique_id, unique_id.partition(".")[0]) for unique_id in statuses},
        "manifest": {"nodes": {unique_id: {"unique_id": unique_id} for unique_id in statuses}},
        "plan": plan_retry(chain),
    }
    return PlannedRetry(**{**values, **fields})


def _report(before: Mapping[str, str], after: Mapping[str, str], **fields: Any) -> RetryReport:
    chain = _chain(before)
    retried = _chain(after, invocation_id="5e6f7a8b-0000-4000-8000-000000000000", started_at=NOW).original
    proven = all(outcome.proven for outcome in retried.outcomes.values())
    arguments = EffectiveArguments(chain.original.command, {}, {})
    report = report_of(chain, arguments, plan_retry(chain), (), replace(retried, succeeded=proven, duration=1.0))
    return replace(report, **fields)


def _error(
    message: str,
    *,
    type: str = "dbt_common.exceptions.base.DbtDatabaseError",  # noqa: A002 - the name of the field
    codes: Mapping[str, str] | None = None,
    **fields: Any,
) -> NodeError:
    values: dict[str, Any] = {
        "unique_id": "model.shop.orders",
        "adapter": "duckdb",
        "kind": ErrorKind.DATABASE,
        "message": message,
        "causes": (ErrorCause(type, message, codes or {}),),
    }
    return NodeError(**{**values, **fields})


def _call(plugin: ModuleType | object, hook: str, **arguments: Any) -> list[Any]:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, _NAME)
    plugins = Plugins(manager, [PluginInfo(_NAME, "command line", hooks=(hook,))])
    kind = KIND_OF_HOOK[hook]
    if kind is Kind.VALIDATE:
        return plugins.validate(hook, **arguments)
    if kind is Kind.OBSERVE:
        return _raised_if_any(plugins.observe(hook, **arguments))
    found, findings = plugins.contribute(hook, object, **arguments)
    _raised_if_any(findings)
    return [item for _, item in found]


def _raised_if_any(findings: list[Finding]) -> list[Any]:
    if findings:
        raise AssertionError(findings[0].message)
    return []
