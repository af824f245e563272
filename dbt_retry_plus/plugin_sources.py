"""Where plugins come from: this package, entry points, a project's own file, and the command line."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from dbt_retry_plus.hook_kinds import KIND_OF_HOOK, Kind

ENTRY_POINT_GROUP = "dbt_retry_plus"
PROJECT_FILE_NAME = "project"

_BUILT_IN = (
    "checks.record",
    "checks.place",
    "checks.plan",
    "checks.relations",
    "classifiers.generic",
    "classifiers.postgres",
    "classifiers.duckdb",
    "classifiers.snowflake",
    "classifiers.bigquery",
    "classifiers.databricks",
    "classifiers.trino",
    "reporting.text",
    "reporting.json",
    "reporting.junit",
    "reporting.markdown",
    "reporting.html",
    "ledger.fsspec_store",
)
_VALIDATING = frozenset(name for name, kind in KIND_OF_HOOK.items() if kind is Kind.VALIDATE)


@dataclass(frozen=True)
class Candidate:
    """A plugin that is there, and may be loaded.

    Attributes:
        name: What users call it.
        origin: `built-in`, `entry point`, `project` or `command line`.
        load: Imports and returns it.
        may_validate: Tells, without running it, whether it may hold a check.
        distribution: The distribution that it comes with, if any.
        version: The version of that.
    """

    name: str
    origin: str
    load: Callable[[], Any]
    may_validate: Callable[[], bool]
    distribution: str | None = None
    version: str | None = None


def built_in() -> Iterator[Candidate]:
    """Yield our own plugins."""
    from dbt_retry_plus import __version__

    for name in _BUILT_IN:
        module = f"dbt_retry_plus.{name}"
        yield Candidate(name, "built-in", _importing(module), lambda: True, "dbt-retry-plus", __version__)


def installed() -> Iterator[Candidate]:
    """Yield the plugins of installed distributions, in the order of their names."""
    found: Iterable[EntryPoint] = entry_points(group=ENTRY_POINT_GROUP)
    for point in sorted(found, key=lambda point: (point.name, point.value)):
        distribution = point.dist
        yield Candidate(
            point.name,
            "entry point",
            point.load,
            _may_hold_checks(point.module),
            distribution.name if distribution else None,
            distribution.version if distribution else None,
        )


def of_project(file: Path) -> Candidate:
    """Return the plugin in a project's own file.

    Args:
        file: The file that settings name.
    """
    return Candidate(PROJECT_FILE_NAME, "project", lambda: _run_file(file), lambda: _holds_checks(file))


def by_module_name(name: str) -> Candidate:
    """Return the plugin in a module that the command line names."""
    return Candidate(name, "command line", _importing(name), _may_hold_checks(name))


def _importing(module: str) -> Callable[[], Any]:
    return lambda: import_module(module)


def _run_file(file: Path) -> Any:
    specification = importlib.util.spec_from_file_location("dbt_retry_plus_project_hooks", file)
    if specification is None or specification.loader is None:
        raise ImportError(f"'{file}' is not a Python file")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def _may_hold_checks(module: str) -> Callable[[], bool]:
    def look() -> bool:
        try:
            found = importlib.util.find_spec(module)
        except Exception:  # whatever its parent package raises: it cannot be told, so it may
            return True
        return True if found is None or not found.origin else _holds_checks(Path(found.origin))

    return look


def _holds_checks(file: Path) -> bool:
    """Whether a source file defines a validate hook, as far as can be told without running it."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return True
    named = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    named |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    return "*" in named or bool(named & _VALIDATING)
