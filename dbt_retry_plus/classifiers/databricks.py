"""Databricks and Spark: their messages begin with the name of an error condition, in brackets since Spark 3.4.

https://docs.databricks.com/error-messages/error-classes.html has the names, Spark's error-conditions.json too.

Said of nothing, and so unknown: the executors or the stages of a job that failed, which a statement that is too big
causes as well as a machine that went away.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbt_retry_plus.classifiers.rules import Rule, said
from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.types import NodeError
from dbt_retry_plus.words import ErrorClass

_TRANSIENT, _PERMANENT = ErrorClass.TRANSIENT, ErrorClass.PERMANENT

_DRIVERS = r"(?:databricks\.sql\.exc|pyhive\.exc|pyodbc|databricks\.sdk\.errors(?:\.\w+)?)\.\w+"

# What stands before the server's own words: PyHive shows the whole answer, ODBC its tuple (dbt-spark #892,
# dbt-external-tables #228).
_SERVER = (
    r"(?:TExecuteStatementResp\(status=TStatus\(statusCode=\d, infoMessages=\[[\"']\*)?"
    r"(?:\('HY000', [\"']\[HY000\] \[\w{1,30}\]\[\w{1,30}\] \(\d{1,6}\) )?"
    r"(?:Error from server: error code: \\?'\d{1,6}\\?' error message: \\?')?"
    r"(?:org\.apache\.hive\.service\.cli\.HiveSQLException: ?)?(?:Error running query: )?"
)

RULES = (
    # https://docs.delta.io/latest/concurrency-control.html and the documentation of each condition: "Please retry the
    # operation." flyway-community-db-support #116, tuva-core #1225, dbt-adapters #488, dbt-spark #293.
    Rule(
        _TRANSIENT,
        type=_DRIVERS,
        message=_SERVER
        + r"(?:\[DELTA_(?:CONCURRENT_(?:APPEND|DELETE_READ|DELETE_DELETE|TRANSACTION|WRITE)|METADATA_CHANGED"
        r"|PROTOCOL_CHANGED)[.\]]"
        r"|io\.delta\.exceptions\.(?:Concurrent\w{1,30}|MetadataChanged|ProtocolChanged)Exception: )",
    ),
    # dbt-databricks #1063, #717, #767.
    Rule(
        _TRANSIENT,
        type=_DRIVERS,
        message=_SERVER
        + r"(?:\[INTERNAL_ERROR\] )?Query could not be scheduled: HTTP Response code: (?:429|50[0234])\b",
    ),
    # A warehouse that starts, stops or was restarted: trino #29376, lightdash #27953, dbt-spark #293.
    Rule(
        _TRANSIENT,
        type=_DRIVERS,
        message=_SERVER
        + r"(?:TEMPORARILY_UNAVAILABLE\b|requirement failed: Session handle: SessionHandle \[[\w-]{1,60}\] "
        r"has not been initialized or had already closed|Invalid SessionHandle: "
        r"|A 503 response was returned but no Retry-After header was provided)",
    ),
    # databricks-sql-python's auth/retry.py, which has tried again itself until its time was up; #215.
    Rule(
        _TRANSIENT,
        type=_DRIVERS,
        message=r"(?:Error during request to server\. )?Retry request would exceed Retry policy max retry "
        r"|DEADLINE_EXCEEDED: ",
    ),
    # Thrift's TTransport.py and TSocket.py: nobody listens, or the other side has hung up.
    Rule(_TRANSIENT, type=r"thrift\.transport\.TTransport\.TTransportException"),
    # What is wrong with a statement, its data, or the rights of who runs it.
    Rule(
        _PERMANENT,
        type=_DRIVERS,
        message=_SERVER
        + r"\[(?:PARSE_SYNTAX_ERROR|TABLE_OR_VIEW_NOT_FOUND|TABLE_OR_VIEW_ALREADY_EXISTS|SCHEMA_NOT_FOUND"
        r"|UNRESOLVED_\w{1,40}|CAST_INVALID_INPUT|CAST_OVERFLOW|DIVIDE_BY_ZERO|ARITHMETIC_OVERFLOW|DATATYPE_MISMATCH"
        r"|AMBIGUOUS_REFERENCE|INSUFFICIENT_PERMISSIONS|MISSING_AGGREGATION|INVALID_\w{1,60}|USER_RAISED_EXCEPTION"
        r"|DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE|DELTA_VIOLATE_CONSTRAINT_WITH_VALUES|DELTA_NOT_NULL_CONSTRAINT_VIOLATED|NUM_COLUMNS_MISMATCH)[.\]]",
    ),
)


@hookimpl
def retry_plus_classify(error: NodeError) -> Iterator[ErrorClass]:
    """Say what an error of Databricks or Spark is."""
    yield from said(error, ("databricks", "spark"), RULES)
