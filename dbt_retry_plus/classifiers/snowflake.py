"""Snowflake: its error numbers decide, and where they do not, the SQLSTATEs of the standard, which are in `generic`.

The numbers of the client are in snowflake-connector-python's errorcode.py and network.py, those of the service come
with their messages. dbt-snowflake tries to connect again by itself (`connect_retries`); ours comes after.

Wrong passwords are never tried again: Snowflake locks users out (dbt-snowflake #373). They come with the same number
as a connection that failed, so a failed one is transient only with a message that is known to be.

Said of nothing, and so unknown: 603 (`SQL execution internal error ... incident`), which some statements meet for ever.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbt_retry_plus.classifiers.rules import Rule, said
from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.types import NodeError
from dbt_retry_plus.words import ErrorClass

_TRANSIENT, _PERMANENT, _UNKNOWN = ErrorClass.TRANSIENT, ErrorClass.PERMANENT, ErrorClass.UNKNOWN

_TYPE = r"snowflake\.connector\.errors\.\w+"
_ERRNO = ("errno",)
_CONNECTING = ("250001", "250003", "250005")

# errors.py, Error.__init__: 250001 (08001): None: Failed to connect to DB: …
_HEADING = r"(?:\d{6}(?: \(\w{5}\))?: ){0,2}(?:(?:None|\d{6}|[0-9a-f-]{36}): )?"
_TO_DB = r"Failed to connect to DB: [^\s]{1,300}:\d{1,5}\. "

RULES = (
    # auth/_auth.py: what the service says of a login.
    Rule(
        _PERMANENT,
        type=_TYPE,
        named=_ERRNO,
        codes=_CONNECTING,
        message=_HEADING + _TO_DB + r"(?:Incorrect username or password|Your user account has been temporarily locked"
        r"|User temporarily locked|Role '[^'\n]{0,300}' specified in the connect string)",
    ),
    # dbt-core #2482, datahub #18151: a token that was refused since the login had to wait; dbt-snowflake #70;
    # dbt-core #3695.
    Rule(
        _TRANSIENT,
        type=_TYPE,
        named=_ERRNO,
        codes=_CONNECTING,
        message=_HEADING + r"(?:" + _TO_DB + r"JWT token is invalid|Could not connect to Snowflake backend after \d"
        r"|Failed to get the response\. Hanging\?|Failed to execute request: )",
    ),
    Rule(_UNKNOWN, type=_TYPE, named=_ERRNO, codes=(*_CONNECTING, "250006", "390144")),
    # errorcode.py: a connection that is closed, timed out or may be tried again; a session that could not be renewed
    # (dbt-core #654: a new connection logs in anew); a part of a result that could not be fetched.
    Rule(_TRANSIENT, type=_TYPE, named=_ERRNO, codes=("250002", "251011", "251012", "252007", "252010")),
    # network.py, SESSION_EXPIRED_GS_CODE, MASTER_TOKEN_*_GS_CODE. gosnowflake #160, snowflake-connector-python #218.
    Rule(_TRANSIENT, type=_TYPE, named=_ERRNO, codes=("390112", "390113", "390114", "390115")),
    # Wrong user or password.
    Rule(_PERMANENT, type=_TYPE, named=_ERRNO, codes=("390100",)),
    # Too many statements wait for a lock (dbt_artifacts #431); STATEMENT_TIMEOUT_IN_SECONDS, since how long a statement
    # takes depends on what else the warehouse does (estuary/flow #238).
    Rule(_TRANSIENT, type=_TYPE, named=_ERRNO, codes=("625", "630")),
    # Somebody, or another program, has cancelled it.
    Rule(_UNKNOWN, type=_TYPE, named=_ERRNO, codes=("604",)),
    # Object does not exist or not authorized; insufficient privileges; no active warehouse.
    Rule(_PERMANENT, type=_TYPE, named=_ERRNO, codes=("2003", "3001", "606")),
    # The server has rejected the connection: not the 08 of the standard that is worth another try.
    Rule(_UNKNOWN, type=_TYPE, codes=("08004",)),
    # errors.py: what the connector has tried again itself, until its time was up.
    Rule(
        _TRANSIENT,
        type=r"snowflake\.connector\.errors\.(?:InternalServerError|ServiceUnavailableError|GatewayTimeoutError"
        r"|BadGatewayError|RequestTimeoutError|TooManyRequests|OtherHTTPRetryableError|RequestExceedMaxRetryError)",
    ),
)


@hookimpl
def retry_plus_classify(error: NodeError) -> Iterator[ErrorClass]:
    """Say what an error of Snowflake is."""
    yield from said(error, ("snowflake",), RULES)
