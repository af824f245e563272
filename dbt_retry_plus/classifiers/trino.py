"""Trino (and Starburst): the names of its errors decide. They are in StandardErrorCode.java of trino-spi.

dbt-trino's `retries` are those of the client, for a gateway that does not answer; ours comes after.

Said of nothing, and so unknown: GENERIC_INTERNAL_ERROR and the errors of connectors, which mean anything;
ICEBERG_COMMIT_ERROR, where it is not always known what was committed; memory that a query has used up by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbt_retry_plus.classifiers.rules import Rule, said
from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.types import NodeError
from dbt_retry_plus.words import ErrorClass

_TRANSIENT, _PERMANENT, _UNKNOWN = ErrorClass.TRANSIENT, ErrorClass.PERMANENT, ErrorClass.UNKNOWN

_TYPE = r"trino\.exceptions\.\w+"

# Workers that come and go; queues and memory of the whole cluster; limits of time, since how long a query takes depends
# on what else runs (trino #23184, #9341, #26962); transactions that another one was faster than.
_PASSING = (
    "TOO_MANY_REQUESTS_FAILED",
    "PAGE_TRANSPORT_ERROR",
    "PAGE_TRANSPORT_TIMEOUT",
    "NO_NODES_AVAILABLE",
    "REMOTE_TASK_ERROR",
    "REMOTE_TASK_MISMATCH",
    "SERVER_SHUTTING_DOWN",
    "SERVER_STARTING_UP",
    "REMOTE_HOST_GONE",
    "REMOTE_BUFFER_CLOSE_FAILED",
    "ABANDONED_TASK",
    "QUERY_QUEUE_FULL",
    "CLUSTER_OUT_OF_MEMORY",
    "ADMINISTRATIVELY_PREEMPTED",
    "EXCEEDED_TIME_LIMIT",
    "TRANSACTION_CONFLICT",
)

# Somebody, or another program, has ended it.
_ENDED = ("USER_CANCELED", "ADMINISTRATIVELY_KILLED", "ABANDONED_QUERY")

# trino-python-client's exceptions.py, TrinoQueryError.__repr__; dbt-trino passes it on as its message.
_SHOWN = r"Trino\w{0,20}\(type=\w{1,40}, name="

RULES = (
    Rule(_TRANSIENT, type=_TYPE, named=("error_name",), codes=_PASSING),
    Rule(_UNKNOWN, type=_TYPE, named=("error_name",), codes=_ENDED),
    # StandardErrorCode.java: all others of this type are about the statement, its data, or the rights of who runs it.
    Rule(_PERMANENT, type=_TYPE, named=("error_type",), codes=("USER_ERROR",)),
    # exceptions.py and client.py: gateways, and servers that cannot be reached.
    Rule(_TRANSIENT, type=r"trino\.exceptions\.(?:Http50[234]Error|TrinoConnectionError)"),
    Rule(_PERMANENT, type=r"trino\.exceptions\.TrinoAuthError"),
    Rule(_TRANSIENT, type=_TYPE, message=_SHOWN + r"(?:" + "|".join(_PASSING) + r"),"),
    Rule(_UNKNOWN, type=_TYPE, message=_SHOWN + r"(?:" + "|".join(_ENDED) + r"),"),
    Rule(_PERMANENT, type=_TYPE, message=r"TrinoUserError\(type=USER_ERROR, "),
)


@hookimpl
def retry_plus_classify(error: NodeError) -> Iterator[ErrorClass]:
    """Say what an error of Trino is."""
    yield from said(error, ("trino", "starburst"), RULES)
