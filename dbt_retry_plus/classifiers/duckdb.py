"""DuckDB: the type of an exception tells most, and its message begins with the type that DuckDB itself gives it.

Said of nothing, and so unknown: OutOfMemoryException, which depends on what else runs; FatalException, after which the
database has to be opened anew; `Failed to commit: PRIMARY KEY or UNIQUE constraint violation`, where another
transaction has written the same key; InterruptException.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbt_retry_plus.classifiers.rules import Rule, said
from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.types import NodeError
from dbt_retry_plus.words import ErrorClass

_TRANSIENT, _PERMANENT = ErrorClass.TRANSIENT, ErrorClass.PERMANENT

_MODULE = r"(?:duckdb\.)?_?duckdb\."  # duckdb.duckdb until 1.3, _duckdb since 1.4
_HTTP = _MODULE + r"HTTPException"
_IO = _MODULE + r"(?:IOException|HTTPException)"
_PASSING_STATUS = ("408", "418", "429", "500", "502", "503", "504")

RULES = (
    # duckdb-httpfs, HTTPException's status_code; what it retries itself, briefly: HTTPResponse::ShouldRetry.
    Rule(_TRANSIENT, type=_HTTP, named=("status_code",), codes=_PASSING_STATUS),
    Rule(_PERMANENT, type=_HTTP, named=("status_code",), codes=("400", "401", "403", "404")),
    # What DuckDB finds in the statement or in the data (src/common/exception.cpp). Python users' `error()` is here too.
    Rule(
        _PERMANENT,
        type=_MODULE + r"(?:Parser|Syntax|Binder|Catalog|Conversion|Constraint|InvalidInput|InvalidType|TypeMismatch"
        r"|OutOfRange|NotImplemented|Permission|Dependency)Exception",
    ),
    # src/main/extension/extension_install.cpp: there is no such extension for this version and platform.
    Rule(
        _PERMANENT,
        type=_IO,
        message=r"(?:HTTP|IO) Error: Failed to download extension \"[^\"\n]{0,200}\" at URL \"[^\"\n]{0,500}\" "
        r"\(HTTP 40[34]\b",
    ),
    # single_file_block_manager, LocalFileSystem::OpenFile: another process has the database open.
    # https://duckdb.org/docs/current/connect/concurrency
    Rule(_TRANSIENT, type=_IO, message=r"IO Error: Could not set lock on file \""),
    Rule(
        _TRANSIENT,
        type=_IO,
        message=r"IO Error: Cannot open file \"[^\"\n]{0,1000}\": The process cannot access the file because",
    ),
    # Extensions that are installed when they are first needed: extension_install.cpp; the second one is raised as a
    # plain Error by extension_helper.cpp, AutoLoadExtension. duckdb #15735.
    Rule(_TRANSIENT, type=_IO, message=r"(?:HTTP|IO) Error: Failed to download extension \""),
    Rule(
        _TRANSIENT,
        type=_MODULE + r"Error",
        message=r"An error occurred while trying to automatically install the required extension '\w{1,100}'?:\n"
        r"Failed to download extension (?![^\n]{0,1000}\(HTTP 40[34])",
    ),
    # duckdb-httpfs, src/httpfs.cpp and src/s3fs.cpp. duckdb #11166, #6153, #20617, duckdb-httpfs #361.
    Rule(
        _TRANSIENT,
        type=_HTTP,
        message=r"HTTP Error: (?:HTTP [A-Z]{3,7} error (?:on|reading) '[^'\n]{0,1000}'(?: in region '[^'\n]{0,50}')? "
        r"\(HTTP "
        r"|Unable to connect to URL \"[^\"\n]{0,1000}\": |Request returned HTTP )(?:408|418|429|50[0234])\b",
    ),
    # HTTPUtil::RunRequestWithRetry and httplib's names of errors. duckdb #6832, duckdb-java #548, sling-cli #770.
    Rule(
        _TRANSIENT,
        type=_IO,
        message=r"IO Error: (?:Connection|Could not establish connection|Connection timed out|Timeout was reached"
        r"|Read|Write|SSL connection failed) error for HTTP [A-Z]{3,7} to '",
    ),
    # src/transaction/undo_buffer, catalog_set.cpp, row_version_manager.cpp: another transaction was first.
    # dbt-duckdb #467, #513; duckdb #17802, #20053; ducklake #376.
    Rule(
        _TRANSIENT,
        type=_MODULE + r"TransactionException",
        message=r"TransactionContext Error: (?:Conflict on |Catalog write-write conflict on |Transaction conflict: "
        r"|Failed to commit: (?:write-write conflict on "
        r"|Failed to commit DuckLake transaction[:.]\s*Transaction conflict - ))",
    ),
    # IO Error where the file that a model reads is not there: multi_file_reader.cpp.
    Rule(_PERMANENT, type=_IO, message=r"IO Error: No files found that match the pattern \""),
)


@hookimpl
def retry_plus_classify(error: NodeError) -> Iterator[ErrorClass]:
    """Say what an error of DuckDB is."""
    yield from said(error, ("duckdb",), RULES)
