"""From what dbt raised for a node to what is told of it: no object of dbt's, and no SQL."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from dbt.exceptions import ContractError
from dbt_common.exceptions import CompilationError, DbtDatabaseError

from dbt_retry_plus.classifiers.message import without_sql
from dbt_retry_plus.types import ErrorCause, NodeError
from dbt_retry_plus.words import ErrorKind

_MOST_CAUSES = 10
_CODES = ("pgcode", "sqlstate", "errno", "code", "status_code", "error_code", "error_name", "error_type")
# Of dbt's connection managers (dbt.adapters.sql.connections and those of the adapters).
_COMMITTING = frozenset({"add_commit_query", "commit", "commit_if_has_connection"})
_INCREMENTAL, _OPERATION = "incremental", "operation"
# With a key, or with whole partitions or batches, what was written before is written over.
_WRITES_OVER = frozenset({"delete+insert", "merge", "insert_overwrite", "microbatch"})
# An operation gets another attempt only where settings say that it does no harm.
_IDEMPOTENT = frozenset(
    {"table", "view", "materialized_view", "seed", "snapshot", "test", "unit", "ephemeral", "function", _OPERATION}
)

_NO_DRIVERS = frozenset({"builtins", "dbt", "dbt_common", "jinja2", "mashumaro"})


def node_error(node: Any, adapter: str, message: str, raised: BaseException | None, attempt: int) -> NodeError:
    """Describe the error that ended an attempt of a node.

    Args:
        node: dbt's node.
        adapter: The type of the target's adapter.
        message: dbt's message.
        raised: What was raised; None where a test has failed.
        attempt: Which attempt it ended.
    """
    causes = tuple(_causes(raised))
    in_doubt = any(map(_was_committing, causes)) and not _same_when_done_twice(node)
    return NodeError(
        unique_id=node.unique_id,
        adapter=adapter,
        kind=_kind(causes),
        message=message,
        causes=tuple(_described(cause) for cause in causes),
        attempt=attempt,
        may_be_done=in_doubt,
    )


def error_without_node(unique_id: str, adapter: str, raised: BaseException, attempt: int) -> NodeError:
    """Describe the error that ended what is no node, and may be done twice.

    Args:
        unique_id: The id of a macro; empty for what dbt does before the first node.
        adapter: The type of the target's adapter.
        raised: What was raised.
        attempt: Which attempt it ended.
    """
    as_node = SimpleNamespace(unique_id=unique_id, resource_type=_OPERATION)
    return node_error(as_node, adapter, str(raised), raised, attempt)


def _same_when_done_twice(node: Any) -> bool:
    """Whether it does no harm that an attempt was committed although it failed, and another one follows.

    A connection that is lost while it commits does not tell. What dbt does to a table, a view or a snapshot comes to
    the same when it is done twice; rows that are appended are there twice.
    """
    config = getattr(node, "config", None)
    materialized = str(getattr(config, "materialized", "") or node.resource_type)
    if materialized == _INCREMENTAL:
        strategy = getattr(config, "incremental_strategy", None)
        return strategy in _WRITES_OVER or bool(getattr(config, "unique_key", None))
    return materialized in _IDEMPOTENT


def _causes(raised: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while raised is not None and id(raised) not in seen and len(seen) < _MOST_CAUSES:
        seen.add(id(raised))
        yield raised
        raised = raised.__cause__ or (None if raised.__suppress_context__ else raised.__context__)


def _kind(causes: tuple[BaseException, ...]) -> ErrorKind:
    if not causes:
        return ErrorKind.TEST
    if any(isinstance(cause, ContractError) for cause in causes):
        return ErrorKind.CONTRACT
    # Not every adapter raises a DbtDatabaseError: dbt-duckdb wraps what its driver raises into dbt's base class.
    if any(isinstance(cause, DbtDatabaseError) or _package(cause) not in _NO_DRIVERS for cause in causes):
        return ErrorKind.DATABASE
    return ErrorKind.COMPILATION if isinstance(causes[0], CompilationError) else ErrorKind.OTHER


def _package(cause: BaseException) -> str:
    return type(cause).__module__.partition(".")[0]


def _described(cause: BaseException) -> ErrorCause:
    kind = type(cause)
    message = getattr(cause, "msg", None) if hasattr(cause, "add_node") else None  # dbt's own, without its frame
    codes = {name: value for name in _CODES if (value := _code(cause, name))}
    answer = cause.args[0] if cause.args else None
    if isinstance(answer, dict) and isinstance(answer.get("C"), str):  # redshift_connector: the fields of the protocol
        codes["sqlstate"] = answer["C"]
    return ErrorCause(f"{kind.__module__}.{kind.__qualname__}", without_sql(str(message or cause)), codes)


def _code(cause: BaseException, name: str) -> str:
    try:
        value = getattr(cause, name, None)
    except Exception:  # a property of a driver's exception may raise whatever it likes
        return ""
    value = getattr(value, "value", value)  # an HTTPStatus, or gRPC's
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def _was_committing(cause: BaseException) -> bool:
    trace = cause.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_name in _COMMITTING and "adapters" in code.co_filename:
            return True
        trace = trace.tb_next
    return False
