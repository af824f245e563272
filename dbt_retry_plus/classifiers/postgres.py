"""PostgreSQL, and Redshift, which speaks its language.

Where an exception carries its SQLSTATE, that decides. SQLSTATEs are those of "Appendix A. PostgreSQL Error Codes"; what
is the same in the SQL standard is in `generic`. A connection that cannot be made, or is lost without a word of the
server's, carries none (psycopg2 #682): libpq's sentences decide then.

Said of nothing, and so unknown: 25006 (read_only_sql_transaction), which a failover causes as well as a role or a host
that will never be allowed to write; 53400, a limit that the same query will meet again unless it is quieter; 58030, a
disk that may be broken; 40003, where it is not known what the server did.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbt_retry_plus.classifiers.rules import Rule, said
from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.types import NodeError
from dbt_retry_plus.words import ErrorClass

_TRANSIENT, _PERMANENT, _UNKNOWN = ErrorClass.TRANSIENT, ErrorClass.PERMANENT, ErrorClass.UNKNOWN

_PSYCOPG = r"psycopg2?\.(?:errors\.)?(?:OperationalError|InterfaceError|DatabaseError|ConnectionTimeout)"

# libpq's fe-connect.c, PQconnectPoll: since PostgreSQL 14; before, other words, or none before those of a server.
_CONNECTING = (
    r"(?:connection failed: )?"  # psycopg 3
    r"(?:connection to server (?:at|on socket) \"[^\"\n]{0,300}\"(?: \([^)\n]{0,100}\))?(?:, port \d{1,5})? failed: "
    r"|could not connect to server: )?"
)
_FATAL = _CONNECTING + r"(?:FATAL:  )?"

# redshift_connector/core.py, handle_ERROR_RESPONSE: the fields of the server's answer, as Python shows a dictionary.
_ANSWER = r"\{'S': '[A-Z]{1,20}'(?:, 'V': '[A-Z]{1,20}')?, 'C': '"
_ANSWER_TO_MESSAGE = r"(?:" + _ANSWER + r"[0-9A-Z]{5}', 'M': [\"'])?"
_REDSHIFT = r"redshift_connector\.error\.\w+"

POSTGRES_RULES = (
    # The server could not be understood, which a second try will not change.
    Rule(_UNKNOWN, codes=("08P01",)),
    # Deadlocks; resources that ran out; a lock that was not to be had; a server that goes, comes or has crashed.
    Rule(_TRANSIENT, codes=("40P01", "53000", "53100", "53200", "53300", "55P03", "57P01", "57P02", "57P03", "57P05")),
    # idle_in_transaction_session_timeout and transaction_timeout: limits of time, as statement_timeout is.
    Rule(_TRANSIENT, codes=("25P03", "25P04")),
    # database_dropped; program_limit_exceeded.
    Rule(_PERMANENT, codes=("57P04", "54")),
    # postgres.c, ProcessInterrupts. How long a statement takes depends on what else runs; if a person, or another
    # program, has cancelled it, that was somebody's will, which we neither obey for ever nor fight.
    Rule(_TRANSIENT, codes=("57014",), message=r"canceling statement due to statement timeout"),
    Rule(_UNKNOWN, codes=("57014",)),
    # Two sessions that create one thing at once: the second fails in the catalog (`create schema if not exists`).
    # https://stackoverflow.com/a/29908840
    Rule(
        _TRANSIENT,
        codes=("23505",),
        message=r"duplicate key value violates unique constraint \"pg_(?:namespace_nspname|type_typname_nsp"
        r"|class_relname_nsp|proc_proname_args_nsp)_index\"",
    ),
    # heapam.c, simple_heap_update; relation.c, relation_open: another session changed or dropped it meanwhile.
    Rule(
        _TRANSIENT,
        codes=("XX000",),
        message=r"tuple concurrently (?:updated|deleted)|could not open relation with OID \d",
    ),
    # What follows is for exceptions without a SQLSTATE.
    # fe-secure-openssl.c and fe-connect.c; auth.c and postinit.c of the server.
    Rule(
        _PERMANENT,
        type=_PSYCOPG,
        message=_FATAL + r"(?:password authentication failed for |Peer authentication failed for |no pg_hba\.conf entry"
        r"|database \"[^\n]{0,200}\" does not exist|role \"[^\n]{0,200}\" does not exist|permission denied for database"
        r"|role \"[^\n]{0,200}\" is not permitted to log in"
        r"|server does not support SSL, but SSL was required|SSL error: certificate verify failed)",
    ),
    # fe-connect.c and fe-misc.c, with the words of strerror(3); fe-secure-openssl.c; "getaddrinfo" in fe-connect.c.
    Rule(
        _TRANSIENT,
        type=_PSYCOPG,
        message=_CONNECTING + r"(?:Connection (?:refused|timed out|reset by peer)|Operation timed out|No route to host"
        r"|Network is unreachable|No such file or directory\n\s*Is the server running|timeout expired"
        r"|server closed the connection unexpectedly|could not (?:receive data from|send data to) server: "
        r"|SSL SYSCALL error: |SSL error: |SSL connection has been closed unexpectedly"
        r"|could not translate host name \"[^\"\n]{0,300}\" to address: )",
    ),
    # proc.c, postmaster.c, postinit.c, postgres.c: no place for another connection; a server that goes or comes.
    Rule(
        _TRANSIENT,
        type=_PSYCOPG,
        message=_FATAL + r"(?:sorry, too many clients already|too many connections for (?:database|role) "
        r"|remaining connection slots are reserved|the database system is (?:starting up|shutting down|in recovery mode"
        r"|not yet accepting connections)|terminating connection due to (?:administrator command"
        r"|unexpected postmaster exit|conflict with recovery)|terminating connection because of crash of another server"
        r"|canceling authentication due to timeout)",
    ),
    # PgBouncer's config documentation (max_client_conn, query_wait_timeout) and objects.c.
    Rule(
        _TRANSIENT,
        type=_PSYCOPG,
        message=_FATAL + r"(?:no more connections allowed|query_wait_timeout|server conn crashed\?"
        r"|pgbouncer cannot connect to server)",
    ),
    # psycopg2's connection_type.c and cursor_type.c: it was lost before; another attempt gets a new one.
    Rule(_TRANSIENT, type=_PSYCOPG, message=r"(?:connection|cursor) already closed"),
)

REDSHIFT_RULES = (
    # The SQLSTATE in the answer, which redshift_connector gives no attribute.
    Rule(_TRANSIENT, type=_REDSHIFT, message=_ANSWER + r"(?:08(?!P01)\w{3}|40001|40P01|53[0-3]00|55P03|57P0[1235])'"),
    Rule(_PERMANENT, type=_REDSHIFT, message=_ANSWER + r"(?:0A|21|22|23|28|2B|3D|3F|42|44|54)\w{3}'"),
    # Redshift's own, whose SQLSTATE says nothing: snowplow-rdb-loader #557 and Redshift's "Serializable isolation";
    # dbt-adapters #1533; dbt-core #825; dbt-adapters #617.
    *(
        Rule(
            _TRANSIENT,
            type=of,
            codes=codes,
            message=_ANSWER_TO_MESSAGE + r"(?:1023\b|could not complete because of conflict with concurrent transaction"
            r"|table \d{1,12} dropped by concurrent transaction|could not open relation with OID \d)",
        )
        for of, codes in (("", ("XX000",)), (_REDSHIFT, ()))
    ),
    # dbt-redshift #518; amazon-redshift-python-driver #185 and #252; core.py, execute.
    Rule(
        _TRANSIENT,
        type=_REDSHIFT,
        message=r"BrokenPipe: server socket closed\.|\('communication error', (?!SSLCertVerificationError)"
        r"|connection is closed",
    ),
    # dbt-redshift #456: how drivers before that said that the connection is gone.
    Rule(_TRANSIENT, type=r"struct\.error", message=r"unpack_from requires a buffer of at least 5 bytes"),
)


@hookimpl
def retry_plus_classify(error: NodeError) -> Iterator[ErrorClass]:
    """Say what an error of PostgreSQL or Redshift is."""
    yield from said(error, ("postgres",), POSTGRES_RULES)
    yield from said(error, ("redshift",), (*POSTGRES_RULES, *REDSHIFT_RULES))
