"""What drivers have really said, and what it is to be taken for. Sources are with the rules, or beside a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dbt_retry_plus.classifiers.message import without_sql
from dbt_retry_plus.types import ErrorCause, NodeError
from dbt_retry_plus.words import ErrorClass, ErrorKind

TRANSIENT, PERMANENT, UNKNOWN = ErrorClass.TRANSIENT, ErrorClass.PERMANENT, ErrorClass.UNKNOWN


@dataclass(frozen=True)
class KnownError:
    adapter: str
    type: str
    codes: Mapping[str, str]
    message: str
    expected: ErrorClass

    @property
    def cause(self) -> ErrorCause:
        return ErrorCause(self.type, without_sql(self.message), self.codes)


def error_of(
    adapter: str, *causes: ErrorCause, unique_id: str = "model.shop.orders", kind: ErrorKind = ErrorKind.DATABASE
) -> NodeError:
    return NodeError(unique_id, adapter, kind, causes[0].message if causes else "", causes)


def _known(adapter: str, *rows: tuple[str, Mapping[str, str], str, ErrorClass]) -> list[KnownError]:
    return [KnownError(adapter, *row) for row in rows]


def _all(
    of: str, name: str, codes: Sequence[str], expected: ErrorClass
) -> list[tuple[str, Mapping[str, str], str, ErrorClass]]:
    return [(of, {name: code}, f"the words of {code}", expected) for code in codes]


_OSERROR = "builtins.OSError"
_AWS = "botocore.exceptions.ClientError"

GENERIC = [
    *_known(
        "athena",
        (_AWS, {}, "An error occurred (ThrottlingException) when calling the StartQueryExecution operation (reached max retries: 4): Rate exceeded", TRANSIENT),
        ("botocore.errorfactory.TooManyRequestsException", {}, "An error occurred (TooManyRequestsException) when calling the StartQueryExecution operation: You have exceeded the limit for the number of queries you can run concurrently.", TRANSIENT),
        (_AWS, {}, "An error occurred (AccessDeniedException) when calling the StartQueryExecution operation: not authorized", UNKNOWN),
        ("botocore.exceptions.EndpointConnectionError", {}, 'Could not connect to the endpoint URL: "https://athena.eu-west-1.amazonaws.com/"', TRANSIENT),
    ),
    *_known(
        "clickhouse",
        (_OSERROR, {"errno": "113"}, "[Errno 113] No route to host", TRANSIENT),
        (_OSERROR, {"errno": "28"}, "[Errno 28] No space left on device", UNKNOWN),
        ("builtins.ConnectionResetError", {"errno": "104"}, "[Errno 104] Connection reset by peer", TRANSIENT),
        ("builtins.TimeoutError", {}, "timed out", TRANSIENT),
        ("socket.gaierror", {"errno": "-3"}, "[Errno -3] Temporary failure in name resolution", TRANSIENT),
        ("ssl.SSLEOFError", {"errno": "8"}, "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol (_ssl.c:1006)", TRANSIENT),
        ("ssl.SSLCertVerificationError", {"errno": "1"}, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1006)", PERMANENT),
        ("http.client.RemoteDisconnected", {}, "Remote end closed connection without response", TRANSIENT),
        ("urllib3.exceptions.ReadTimeoutError", {}, "HTTPConnectionPool(host='127.0.0.1', port=46495): Read timed out. (read timeout=1)", TRANSIENT),
        ("requests.exceptions.ChunkedEncodingError", {}, "('Connection broken: IncompleteRead(3 bytes read, 97 more expected)', IncompleteRead(3 bytes read, 97 more expected))", TRANSIENT),
        ("requests.exceptions.HTTPError", {}, "503 Server Error: Service Unavailable for url: http://127.0.0.1:32895/", TRANSIENT),
        ("requests.exceptions.HTTPError", {}, "404 Client Error: Not Found for url: http://127.0.0.1/503%20Server%20Error:", UNKNOWN),
        ("a_driver.Error", {"status_code": "429"}, "", TRANSIENT),
        ("a_driver.Error", {"status_code": "403"}, "", PERMANENT),
        ("a_driver.Error", {}, "[Errno 104] Connection reset by peer", TRANSIENT),
        ("a_driver.Error", {}, "('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))", TRANSIENT),
        ("a_driver.Error", {}, "HTTPSConnectionPool(host='x.example', port=443): Max retries exceeded with url: /q (Caused by ResponseError('too many 503 error responses'))", TRANSIENT),
        ("a_driver.Error", {}, "HTTP/1.1 502 Bad Gateway", TRANSIENT),
        ("a_driver.Error", {}, "deadlock detected\nDETAIL:  Process 1 waits for ShareLock", TRANSIENT),
        ("a_driver.Error", {}, 'syntax error at or near "selec"', PERMANENT),
        ("a_driver.IntegrityError", {}, "UNIQUE constraint failed: t.i", PERMANENT),
        ("a_driver.Error", {"sqlstate": "08S01"}, "TCP Provider: Error code 0x68", TRANSIENT),
        ("a_driver.Error", {"sqlstate": "40001"}, "", TRANSIENT),
        ("a_driver.Error", {"sqlstate": "42601"}, "", PERMANENT),
    ),
    *_known(
        "sqlserver",
        ("pyodbc.Error", {}, "('40001', '[40001] [Microsoft][ODBC Driver 17 for SQL Server][SQL Server]Transaction (Process ID 51) was deadlocked on lock resources with another process and has been chosen as the deadlock victim. Rerun the transaction. (1205) (SQLExecDirectW)')", TRANSIENT),
        ("pyodbc.OperationalError", {}, "('08S01', '[08S01] [Microsoft][ODBC Driver 17 for SQL Server]TCP Provider: Error code 0x68 (104) (SQLExecDirectW)')", TRANSIENT),
        ("pyodbc.ProgrammingError", {}, "('42S02', \"[42S02] [Microsoft][ODBC Driver 17 for SQL Server][SQL Server]Invalid object name 'deadlocked'. (208) (SQLExecDirectW)\")", PERMANENT),
    ),
    *_known(
        "mysql",
        ("pymysql.err.OperationalError", {}, "(1213, 'Deadlock found when trying to get lock; try restarting transaction')", TRANSIENT),
        ("pymysql.err.ProgrammingError", {}, "(1064, \"You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near '(2013, ' at line 1\")", PERMANENT),
    ),
]  # fmt: skip

_PG = "psycopg2.OperationalError"
_SOCKET = 'connection to server on socket "/tmp/pg/.s.PGSQL.5432" failed: '
_HOST = 'connection to server at "localhost" (127.0.0.1), port 5432 failed: '

POSTGRES = _known(
    "postgres",
    *_all("psycopg2.errors.Any", "pgcode", ("08006", "40001", "40P01", "53100", "53200", "53300", "55P03", "57P01", "57P02", "57P03", "57P05", "25P03", "25P04"), TRANSIENT),
    *_all("psycopg2.errors.Any", "pgcode", ("42601", "42P01", "42501", "22P02", "23505", "28P01", "3D000", "0A000", "57P04", "54001"), PERMANENT),
    *_all("psycopg2.errors.Any", "pgcode", ("08P01", "25006", "40003", "53400", "58030", "XX000", "P0001", "25P02"), UNKNOWN),
    ("psycopg2.errors.QueryCanceled", {"pgcode": "57014"}, "canceling statement due to statement timeout\n", TRANSIENT),
    ("psycopg2.errors.QueryCanceled", {"pgcode": "57014"}, "canceling statement due to user request\n", UNKNOWN),
    ("psycopg2.errors.UniqueViolation", {"pgcode": "23505"}, 'duplicate key value violates unique constraint "pg_namespace_nspname_index"\nDETAIL:  Key (nspname)=(9621584361) already exists.\n', TRANSIENT),
    ("psycopg2.errors.UniqueViolation", {"pgcode": "23505"}, 'duplicate key value violates unique constraint "t_pkey"\nDETAIL:  Key (i)=(pg_namespace_nspname_index) already exists.\n', PERMANENT),
    ("psycopg2.errors.InternalError_", {"pgcode": "XX000"}, "tuple concurrently updated\n", TRANSIENT),
    ("psycopg2.errors.RaiseException", {"pgcode": "P0001"}, "connection reset by peer\nCONTEXT:  PL/pgSQL function inline_code_block line 1 at RAISE\n", UNKNOWN),
    ("psycopg2.errors.RaiseException", {"pgcode": "P0001"}, "deadlock detected\n", UNKNOWN),
    (_PG, {}, _HOST + "Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?\n", TRANSIENT),
    (_PG, {}, _SOCKET + "No such file or directory\n\tIs the server running locally and accepting connections on that socket?\n", TRANSIENT),
    (_PG, {}, _HOST + "timeout expired\n", TRANSIENT),
    (_PG, {}, _HOST + "SSL SYSCALL error: EOF detected\n", TRANSIENT),
    (_PG, {}, "server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally\n\tbefore or while processing the request.\n", TRANSIENT),
    (_PG, {}, "SSL connection has been closed unexpectedly\n", TRANSIENT),
    (_PG, {}, 'could not translate host name "db.example" to address: Temporary failure in name resolution\n', TRANSIENT),
    (_PG, {}, _SOCKET + "FATAL:  sorry, too many clients already\n", TRANSIENT),
    (_PG, {}, _SOCKET + 'FATAL:  too many connections for role "nolog"\n', TRANSIENT),
    (_PG, {}, "FATAL:  the database system is starting up\n", TRANSIENT),
    (_PG, {}, "terminating connection due to administrator command\nSSL connection has been closed unexpectedly\n", TRANSIENT),
    (_PG, {}, _HOST + "FATAL:  query_wait_timeout\nserver closed the connection unexpectedly\n", TRANSIENT),
    (_PG, {}, _SOCKET + 'FATAL:  database "connection refused" does not exist\n', PERMANENT),
    (_PG, {}, _HOST + 'FATAL:  password authentication failed for user "dbt"\n', PERMANENT),
    (_PG, {}, _HOST + "server does not support SSL, but SSL was required\n", PERMANENT),
    ("psycopg2.InterfaceError", {}, "connection already closed", TRANSIENT),
)  # fmt: skip

_RS = "redshift_connector.error.ProgrammingError"

REDSHIFT = _known(
    "redshift",
    (_RS, {}, "{'S': 'ERROR', 'C': '40001', 'M': 'could not serialize', 'F': 'x.cpp', 'L': '1', 'R': 'r'}", TRANSIENT),
    (_RS, {}, "{'S': 'ERROR', 'C': '42P01', 'M': 'relation \"deadlock detected\" does not exist', 'F': 'x.c', 'L': '1', 'R': 'r'}", PERMANENT),
    (_RS, {}, "{'S': 'ERROR', 'C': 'XX000', 'M': '1023', 'D': 'Serializable isolation violation on table - 100167, transactions forming the cycle are: 55705701, 55705754 (pid:16606)'}", TRANSIENT),
    (_RS, {}, "{'S': 'ERROR', 'C': 'XX000', 'M': 'could not complete because of conflict with concurrent transaction', 'F': 'x.cpp'}", TRANSIENT),
    ("psycopg2.errors.InternalError_", {"pgcode": "XX000"}, "table 3380474 dropped by concurrent transaction\n", TRANSIENT),
    ("psycopg2.errors.InternalError_", {"pgcode": "XX000"}, "could not open relation with OID 6134794\n", TRANSIENT),
    ("psycopg2.errors.InternalError_", {"pgcode": "XX000"}, "1023\nDETAIL:  Serializable isolation violation on table - 100167\n", TRANSIENT),
    ("redshift_connector.error.InterfaceError", {}, "BrokenPipe: server socket closed. Please check that client side networking configurations such as Proxies, firewalls, VPN, etc. are not affecting your network connection.", TRANSIENT),
    ("redshift_connector.error.InterfaceError", {}, "('communication error', ConnectionRefusedError(111, 'Connection refused'))", TRANSIENT),
    ("struct.error", {}, "unpack_from requires a buffer of at least 5 bytes for unpacking 5 bytes at offset 0 (actual buffer size is 0)", TRANSIENT),
)  # fmt: skip

_DUCK = "_duckdb."

DUCKDB = _known(
    "duckdb",
    ("duckdb.duckdb.HTTPException", {"status_code": "503"}, "HTTP Error: Unable to connect", TRANSIENT),
    ("duckdb.duckdb.HTTPException", {"status_code": "403"}, "HTTP Error: Unable to connect", PERMANENT),
    (_DUCK + "HTTPException", {}, "HTTP Error: HTTP GET error on 'https://s3-logging.xxx.com.s3.amazonaws.com/downloads' (HTTP 500)", TRANSIENT),
    (_DUCK + "HTTPException", {}, "HTTP Error: HTTP GET error reading 's3://b/x' in region 'us-east-1' (HTTP 503 Service Unavailable)\n\nSlowDown: Please reduce your request rate.", TRANSIENT),
    (_DUCK + "HTTPException", {}, 'HTTP Error: Unable to connect to URL "https://x/(HTTP 503)": 404 (Not Found).', UNKNOWN),
    (_DUCK + "IOException", {}, "IO Error: Connection timed out error for HTTP GET to '/my-bucket/?encoding-type=url'\n\nLINE 1: SELECT COUNT(1)\n  ^", TRANSIENT),
    (_DUCK + "IOException", {}, 'IO Error: Could not set lock on file "/tmp/l.db": Conflicting lock is held in /usr/bin/python3.11 (PID 13133). See also https://duckdb.org/docs/current/connect/concurrency', TRANSIENT),
    (_DUCK + "IOException", {}, 'IO Error: Cannot open file "c:\\x\\dev.duckdb": The process cannot access the file because it is being used by another process.\r\n', TRANSIENT),
    (_DUCK + "IOException", {}, 'IO Error: Failed to download extension "spatial" at URL "http://extensions.duckdb.org/v2.0.0/linux_amd64/spatial.duckdb_extension.gz"\nExtension "spatial" is an existing extension.\n\nFor more info, visit https://duckdb.org/docs (ERROR Could not establish connection)', TRANSIENT),
    ("duckdb.duckdb.HTTPException", {}, 'HTTP Error: Failed to download extension "httpfs" at URL "http://extensions.duckdb.org/v1.1.3/windows_amd64/httpfs.duckdb_extension.gz" (HTTP 503)', TRANSIENT),
    ("duckdb.duckdb.HTTPException", {}, 'HTTP Error: Failed to download extension "nope" at URL "http://extensions.duckdb.org/v1.1.3/windows_amd64/nope.duckdb_extension.gz" (HTTP 404)', PERMANENT),
    (_DUCK + "Error", {}, "An error occurred while trying to automatically install the required extension 'httpfs:\nFailed to download extension \"httpfs\" at URL \"http://extensions.duckdb.org/v2.0.0/linux_amd64/httpfs.duckdb_extension.gz\"\n", TRANSIENT),
    (_DUCK + "TransactionException", {}, "TransactionContext Error: Conflict on update!", TRANSIENT),
    (_DUCK + "TransactionException", {}, 'TransactionContext Error: Catalog write-write conflict on alter with "_dbt_secret_1"', TRANSIENT),
    (_DUCK + "TransactionException", {}, 'TransactionContext Error: Failed to commit: Failed to commit DuckLake transaction: Transaction conflict - attempting to delete from table with index "813" - but another transaction has deleted from it', TRANSIENT),
    (_DUCK + "TransactionException", {}, 'TransactionContext Error: Failed to commit: PRIMARY KEY or UNIQUE constraint violation: duplicate key "1"', UNKNOWN),
    (_DUCK + "OutOfMemoryException", {}, "Out of Memory Error: could not allocate block of size 256.0 KiB (883.8 KiB/976.5 KiB used)", UNKNOWN),
    (_DUCK + "InvalidInputException", {}, "Invalid Input Error: Connection reset by peer", PERMANENT),
    (_DUCK + "ParserException", {}, 'Parser Error: syntax error at or near "selec"\n\nLINE 1: selec 1\n        ^^^^^', PERMANENT),
    (_DUCK + "IOException", {}, 'IO Error: No files found that match the pattern "nothere.csv"', PERMANENT),
)  # fmt: skip

_SF = "snowflake.connector.errors."
_TO_DB = "250001 (08001): None: Failed to connect to DB: db.snowflakecomputing.com:443. "

SNOWFLAKE = _known(
    "snowflake",
    (_SF + "DatabaseError", {"errno": "250001", "sqlstate": "08001"}, _TO_DB + "Incorrect username or password was specified.", PERMANENT),
    (_SF + "DatabaseError", {"errno": "250001", "sqlstate": "08001"}, _TO_DB + "JWT token is invalid.", TRANSIENT),
    (_SF + "DatabaseError", {"errno": "250001", "sqlstate": "08001"}, _TO_DB + "Something that nobody has seen yet.", UNKNOWN),
    (_SF + "OperationalError", {"errno": "250001", "sqlstate": "n/a"}, "250001: Could not connect to Snowflake backend after 2 attempt(s).Aborting", TRANSIENT),
    (_SF + "OperationalError", {"errno": "250003"}, "250003: Failed to get the response. Hanging? method: post, url: https://x.snowflakecomputing.com:443/session/v1/login-request", TRANSIENT),
    (_SF + "ProgrammingError", {"errno": "252007", "sqlstate": "08001"}, "252007 (08001): Authentication token has expired. The user must authenticate again.", TRANSIENT),
    (_SF + "ProgrammingError", {"errno": "390114", "sqlstate": "08001"}, "390114 (08001): Authentication token has expired.  The user must authenticate again.", TRANSIENT),
    (_SF + "DatabaseError", {"errno": "390100", "sqlstate": "08004"}, "390100 (08004): Incorrect username or password was specified.", PERMANENT),
    (_SF + "DatabaseError", {"errno": "390999", "sqlstate": "08004"}, "rejected", UNKNOWN),
    (_SF + "ProgrammingError", {"errno": "625", "sqlstate": "57014"}, "000625 (57014): Statement '01b43b22-0509-2fce-0003-29019743c0af' has locked table 'MODELS' in transaction 1715330074481000000 and this lock has not yet been released.\nYour statement '01b43b22-0509-2fce-0003-29019743c13b' was aborted because the number of waiters for this lock exceeds the 20 statements limit.", TRANSIENT),
    (_SF + "ProgrammingError", {"errno": "630", "sqlstate": "57014"}, "000630 (57014): Statement reached its statement or warehouse timeout of 300 second(s) and was canceled.", TRANSIENT),
    (_SF + "ProgrammingError", {"errno": "604", "sqlstate": "57014"}, "000604 (57014): SQL execution canceled", UNKNOWN),
    (_SF + "ProgrammingError", {"errno": "603", "sqlstate": "XX000"}, "000603 (XX000): 01a3d923-0000-5073-0000-88c1000885a6: SQL execution internal error:\nProcessing aborted due to error 300010:391167117; incident 5388518.", UNKNOWN),
    (_SF + "ProgrammingError", {"errno": "2003", "sqlstate": "02000"}, "002003 (02000): SQL compilation error:\nSchema 'A.B' does not exist or not authorized.", PERMANENT),
    (_SF + "ProgrammingError", {"errno": "1003", "sqlstate": "42000"}, "001003 (42000): SQL compilation error:\nsyntax error line 1 at position 41 unexpected '10000'.", PERMANENT),
    (_SF + "ProgrammingError", {"errno": "100038", "sqlstate": "22018"}, "100038 (22018): Numeric value 'deadlock detected' is not recognized", PERMANENT),
    (_SF + "ServiceUnavailableError", {"errno": "-1", "sqlstate": "n/a"}, "HTTP 503: Service Unavailable", TRANSIENT),
    ("snowflake.connector.vendored.urllib3.exceptions.ProtocolError", {}, "('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))", TRANSIENT),
)  # fmt: skip

_BQ = "google.api_core.exceptions."

BIGQUERY = _known(
    "bigquery",
    (_BQ + "ServiceUnavailable", {"code": "503"}, "503 GET https://bigquery.googleapis.com/bigquery/v2/projects/p/jobs/f?location=US&prettyPrint=false: \nVisibility check was unavailable. Please retry the request and contact support if the problem persists", TRANSIENT),
    (_BQ + "InternalServerError", {"code": "500"}, "500 Error encountered during execution. Retrying may solve the problem.; reason: backendError", TRANSIENT),
    (_BQ + "BadRequest", {"code": "400"}, "400 Could not serialize access to table mlab-sandbox:tmp_ndt.tcpinfo due to concurrent update; reason: invalidQuery", TRANSIENT),
    (_BQ + "BadRequest", {"code": "400"}, "400 Query error: Transaction is aborted due to concurrent update against table p:elementary.dbt_models. Transaction ID: 68381985-0000-235c", TRANSIENT),
    (_BQ + "Forbidden", {"code": "403"}, "403 Exceeded rate limits: too many table update operations for this table. For more information, see https://cloud.google.com/bigquery/troubleshooting-errors", TRANSIENT),
    (_BQ + "BadRequest", {"code": "400"}, "400 GET https://bigquery.googleapis.com/bigquery/v2/projects/p/queries/ba61?maxResults=0&location=US: The job encountered an internal error during execution and was unable to complete successfully.\n\n(job ID: ba61)\n\n-----Query Job SQL Follows-----\n\n1:\n2: SELECT 1", TRANSIENT),
    (_BQ + "Forbidden", {"code": "403"}, "403 Access Denied: Table p:d.t: User does not have permission to query table p:d.t", PERMANENT),
    (_BQ + "Unauthorized", {"code": "401"}, "401 GET https://bigquery.googleapis.com/: Request had invalid authentication credentials.", PERMANENT),
    (_BQ + "NotFound", {"code": "404"}, "404 Not found: Table p:d.t was not found in location US", PERMANENT),
    (_BQ + "BadRequest", {"code": "400"}, "400 Syntax error: Unexpected identifier \"Exceeded rate limits\" at [1:1]", PERMANENT),
    (_BQ + "Conflict", {"code": "409"}, "409 POST https://bigquery.googleapis.com/bigquery/v2/projects/p/jobs: Already Exists: Job p:US.1234", UNKNOWN),
    (_BQ + "BadRequest", {"code": "400"}, "400 Resources exceeded during query execution: Not enough resources for query planning - too many subqueries or query is too complex.", UNKNOWN),
    ("google.auth.exceptions.TransportError", {}, "HTTPSConnectionPool(host='oauth2.googleapis.com', port=443)", TRANSIENT),
)  # fmt: skip

_DBX = "databricks.sql.exc.ServerOperationError"

DATABRICKS = [
    *_known(
        "databricks",
        (_DBX, {}, "[DELTA_METADATA_CHANGED] MetadataChangedException: The metadata of the Delta table has been changed by a concurrent update. Please try the operation again.", TRANSIENT),
        (_DBX, {}, "[INTERNAL_ERROR] Query could not be scheduled: HTTP Response code: 503. Please try again later. SQLSTATE: XX000", TRANSIENT),
        ("databricks.sql.exc.RequestError", {}, "Error during request to server. Retry request would exceed Retry policy max retry duration of 900.0 seconds", TRANSIENT),
        (_DBX, {}, "requirement failed: Session handle: SessionHandle [0f1a-2b] has not been initialized or had already closed.", TRANSIENT),
        (_DBX, {}, "[TABLE_OR_VIEW_NOT_FOUND] The table or view `sales`.`connection_reset` cannot be found. SQLSTATE: 42P01; line 7 pos 13", PERMANENT),
        (_DBX, {}, "[USER_RAISED_EXCEPTION] Query could not be scheduled: HTTP Response code: 503. SQLSTATE: P0001", PERMANENT),
        (_DBX, {}, "[CAST_INVALID_INPUT] The value 'deadlock detected' of the type \"STRING\" cannot be cast to \"INT\" because it is malformed. SQLSTATE: 22018\n== SQL (line 1, position 8) ==\nselect 1", PERMANENT),
    ),
    *_known(
        "spark",
        ("pyhive.exc.OperationalError", {}, "TExecuteStatementResp(status=TStatus(statusCode=3, infoMessages=['*org.apache.hive.service.cli.HiveSQLException:Error running query: io.delta.exceptions.MetadataChangedException: The metadata of the Delta table has been changed by a concurrent update.:17:16']", TRANSIENT),
        ("pyodbc.Error", {}, "('HY000', \"[HY000] [Simba][Hardy] (35) Error from server: error code: '0' error message: 'org.apache.hive.service.cli.HiveSQLException: Error running query: io.delta.exceptions.ProtocolChangedException: The protocol version of the Delta table has been changed by a concurrent update.", TRANSIENT),
        ("thrift.transport.TTransport.TTransportException", {}, "TSocket read 0 bytes", TRANSIENT),
    ),
]  # fmt: skip

_TRINO = "trino.exceptions."

TRINO = _known(
    "trino",
    (_TRINO + "TrinoQueryError", {"error_name": "EXCEEDED_TIME_LIMIT", "error_type": "INSUFFICIENT_RESOURCES"}, 'TrinoQueryError(type=INSUFFICIENT_RESOURCES, name=EXCEEDED_TIME_LIMIT, message="Query exceeded the maximum execution time limit of 15.00m", query_id=x)', TRANSIENT),
    (_TRINO + "TrinoUserError", {"error_name": "TRANSACTION_CONFLICT", "error_type": "USER_ERROR"}, "", TRANSIENT),
    (_TRINO + "TrinoUserError", {"error_name": "USER_CANCELED", "error_type": "USER_ERROR"}, "", UNKNOWN),
    (_TRINO + "TrinoUserError", {"error_name": "TABLE_NOT_FOUND", "error_type": "USER_ERROR"}, "TrinoUserError(type=USER_ERROR, name=TABLE_NOT_FOUND, message=\"Table 'clickhouse.tmp.tb1' does not exist\", query_id=xxx)", PERMANENT),
    (_TRINO + "TrinoQueryError", {"error_name": "GENERIC_INTERNAL_ERROR", "error_type": "INTERNAL_ERROR"}, 'TrinoQueryError(type=INTERNAL_ERROR, name=GENERIC_INTERNAL_ERROR, message="Failed communicating with server: https://x", query_id=20230516_090255_15910_3thya)', UNKNOWN),
    (_TRINO + "TrinoQueryError", {}, 'TrinoQueryError(type=INTERNAL_ERROR, name=PAGE_TRANSPORT_TIMEOUT, message="Encountered too many errors talking to a worker node.", query_id=20210923_055034_00003_pjsqf)', TRANSIENT),
    (_TRINO + "TrinoUserError", {}, 'TrinoUserError(type=USER_ERROR, name=USER_CANCELED, message="Query was canceled", query_id=x)', UNKNOWN),
    (_TRINO + "TrinoUserError", {}, 'TrinoUserError(type=USER_ERROR, name=SYNTAX_ERROR, message="line 1:1: mismatched input \'selec\'", query_id=x)', PERMANENT),
    (_TRINO + "Http503Error", {}, "error 503: service unavailable", TRANSIENT),
    (_TRINO + "TrinoAuthError", {}, "authentication failed", PERMANENT),
)  # fmt: skip

KNOWN_ERRORS = (*GENERIC, *POSTGRES, *REDSHIFT, *DUCKDB, *SNOWFLAKE, *BIGQUERY, *DATABRICKS, *TRINO)
