"""What is the same for all adapters: the network, services, the SQL standard. Speaks first, so others overrule it."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from dbt_retry_plus.classifiers.rules import Rule, said
from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.types import NodeError
from dbt_retry_plus.words import ErrorClass, ErrorKind

_TRANSIENT, _PERMANENT = ErrorClass.TRANSIENT, ErrorClass.PERMANENT

_ALWAYS_PERMANENT = frozenset({ErrorKind.TEST, ErrorKind.COMPILATION, ErrorKind.CONTRACT})

# Some drivers carry copies of these libraries: snowflake.connector.vendored.urllib3.exceptions.ProtocolError.
_VENDORED = r"(?:[\w.]+\.vendored\.)?"

# No driver, so what it says is somebody's own code: dbt runs Python models in its process on some adapters.
_DRIVER = r"(?!builtins\.).*"

# requests, urllib3 (str of ConnectionError and HTTPError), botocore (ClientError), and plain answers of gateways.
_HTTP_STATUS = r"(?:408|429|500|502|503|504)"

RULES = (
    # ISO/IEC 9075-2, "SQLSTATE class and subclass values"; PostgreSQL's appendix A has the same.
    Rule(_TRANSIENT, codes=("08", "40001")),
    Rule(_PERMANENT, codes=("0A", "21", "22", "23", "28", "2B", "3D", "3F", "42", "44")),
    # RFC 9110, 15.5.9, 15.6; RFC 6585, 4.
    Rule(_TRANSIENT, named=("status_code",), codes=("408", "429", "500", "502", "503", "504")),
    Rule(_PERMANENT, named=("status_code",), codes=("400", "401", "403", "404", "405", "410")),
    # Those that are no ConnectionError (Python's `exceptions`, PEP 3151).
    Rule(
        _TRANSIENT,
        type=r"builtins\.OSError",
        named=("errno",),
        codes=tuple(str(code) for code in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.ENETRESET)),
    ),
    # https://docs.python.org/3/library/ssl.html: another attempt meets the same certificate.
    Rule(_PERMANENT, type=r"ssl\.SSLCertVerificationError"),
    # https://docs.python.org/3/library/exceptions.html#ConnectionError
    Rule(
        _TRANSIENT,
        type=r"builtins\.(?:Connection(?:Aborted|Refused|Reset)?Error|BrokenPipeError|TimeoutError)",
    ),
    # https://docs.python.org/3/library/socket.html#exceptions: DNS (dbt-core #3303 is about it).
    Rule(_TRANSIENT, type=r"socket\.(?:gaierror|herror)"),
    # https://docs.python.org/3/library/ssl.html#exceptions: the other side went away.
    Rule(_TRANSIENT, type=r"ssl\.SSL(?:EOF|ZeroReturn|Syscall)Error"),
    # https://docs.python.org/3/library/http.client.html
    Rule(_TRANSIENT, type=r"http\.client\.(?:RemoteDisconnected|IncompleteRead|BadStatusLine)"),
    # https://urllib3.readthedocs.io/en/stable/reference/urllib3.exceptions.html
    Rule(
        _TRANSIENT,
        type=_VENDORED + r"urllib3\.exceptions\.(?:NewConnectionError|NameResolutionError|ConnectTimeoutError"
        r"|ReadTimeoutError|ProtocolError|IncompleteRead|InvalidChunkLength|MaxRetryError|ProxyError)",
    ),
    # https://requests.readthedocs.io/en/latest/api/#exceptions; not SSLError: what it was made of tells.
    Rule(
        _TRANSIENT,
        type=_VENDORED + r"requests\.exceptions\.(?:ConnectionError|ConnectTimeout|ReadTimeout|Timeout"
        r"|ChunkedEncodingError|RetryError|ProxyError)",
    ),
    # botocore/exceptions.py: dbt-athena, and IAM of dbt-redshift.
    Rule(
        _TRANSIENT,
        type=r"botocore\.exceptions\.(?:EndpointConnectionError|ConnectTimeoutError|ReadTimeoutError"
        r"|ConnectionClosedError|ConnectionError)",
    ),
    # PEP 249: drivers raise these for nothing else. OperationalError and ProgrammingError differ from one to the next.
    Rule(_PERMANENT, type=r"(?!builtins\.).*\.(?:IntegrityError|DataError|NotSupportedError)"),
    # requests, Response.raise_for_status.
    Rule(
        _TRANSIENT, type=_VENDORED + r"requests\.exceptions\.HTTPError", message=_HTTP_STATUS + r" (?:Server|Client) "
    ),
    # botocore, ClientError; botocore/retries/standard.py, ThrottledRetryableChecker and TransientRetryableChecker.
    Rule(
        _TRANSIENT,
        type=r"botocore\.(?:exceptions\.ClientError|errorfactory\.\w+)",
        message=r"An error occurred \((?:Throttling\w*|ThrottledException|RequestThrottled(?:Exception)?"
        r"|TooManyRequestsException|RequestLimitExceeded|BandwidthLimitExceeded|LimitExceededException|SlowDown"
        r"|PriorRequestNotComplete|RequestTimeout(?:Exception)?|InternalServer(?:Error|Exception)|ServiceUnavailable"
        r"|50[0234])\) when calling the ",
    ),
    # pyodbc, whose exceptions carry nothing but their arguments: ODBC's SQLSTATEs (Microsoft's "ODBC Error Codes").
    # dbt-sqlserver #119.
    Rule(_TRANSIENT, type=r"pyodbc\.\w+", message=r"\('(?:08\w{3}|40001|HYT0[01])', "),
    Rule(_PERMANENT, type=r"pyodbc\.\w+", message=r"\('(?:21|22|23|28|42)\w{3}', "),
    # MySQL's "Server Error Message Reference" and "Client Error Message Reference": locks, deadlocks, lost servers.
    Rule(_TRANSIENT, type=r"(?:py)?[Mm]y[Ss][Qq][Ll].*", message=r"\((?:1040|1205|1213|2002|2003|2006|2013), "),
    # strerror(3), as Python and drivers in C say it.
    Rule(
        _TRANSIENT,
        type=_DRIVER,
        message=r"(?:\[Errno -?\d{1,5}\] )?(?:Connection (?:reset by peer|refused|timed out|aborted)|Broken pipe"
        r"|No route to host|Network is unreachable|Temporary failure in name resolution|Name or service not known)"
        r"[.\s]*\Z",
    ),
    # str of urllib3's ProtocolError and of requests' ConnectionError, which drivers pass on: dbt-databricks #767, #892.
    Rule(
        _TRANSIENT,
        type=_DRIVER,
        message=r"\('Connection (?:aborted\.|broken: )|HTTPS?ConnectionPool\(host='[^'\n]{0,300}', port=\d{1,5}\): "
        r"(?:Max retries exceeded with url: |Read timed out\.)",
    ),
    # Answers of gateways and services that drivers pass on.
    Rule(
        _TRANSIENT,
        type=_DRIVER,
        message=r"(?:HTTP(?:/1\.[01])? )?(?:429 Too Many Requests|500 Internal Server Error|502 Bad Gateway"
        r"|503 Service (?:Temporarily )?Unavailable|504 Gateway Time-?out)\b",
    ),
    # PostgreSQL's words (deadlock.c, predicate.c), which databases that speak its protocol share.
    Rule(_TRANSIENT, type=_DRIVER, message=r"deadlock detected(?:\n|\Z)|could not serialize access due to "),
    # PostgreSQL's words (scan.l, parse_relation.c, aclchk.c), and MySQL's for error 1064.
    Rule(
        _PERMANENT,
        type=_DRIVER,
        message=r"(?:syntax error at (?:or near|end of input)|permission denied for |division by zero(?:\n|\Z)"
        r"|(?:\(1064, [\"'])?You have an error in your SQL syntax)",
    ),
)


@hookimpl
def retry_plus_classify(error: NodeError) -> Iterator[ErrorClass]:
    """Say what an error is where that is the same for all adapters."""
    if error.kind in _ALWAYS_PERMANENT:
        yield _PERMANENT
    else:
        yield from said(error, (), RULES)
