"""What the built-in classifiers make of what drivers have really said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.classifiers import bigquery, databricks, duckdb, generic, postgres, snowflake, trino
from dbt_retry_plus.classifiers.rules import Rule, rule_that_fits
from dbt_retry_plus.plugin_manager import load_plugins
from dbt_retry_plus.settings import Settings
from dbt_retry_plus.types import ErrorCause, NodeError
from dbt_retry_plus.words import ErrorClass, ErrorKind
from tests.support.known_errors import KNOWN_ERRORS, KnownError, error_of

PERMANENT, TRANSIENT, UNKNOWN = ErrorClass.PERMANENT, ErrorClass.TRANSIENT, ErrorClass.UNKNOWN

TABLES: Mapping[str, tuple[Sequence[str], Sequence[Rule]]] = MappingProxyType(
    {
        "generic": ((), generic.RULES),
        "postgres": (("postgres", "redshift"), postgres.POSTGRES_RULES),
        "redshift": (("redshift",), postgres.REDSHIFT_RULES),
        "duckdb": (("duckdb",), duckdb.RULES),
        "snowflake": (("snowflake",), snowflake.RULES),
        "bigquery": (("bigquery",), bigquery.RULES),
        "databricks": (("databricks", "spark"), databricks.RULES),
        "trino": (("trino",), trino.RULES),
    }
)

PLUGINS = load_plugins(Settings(), None)


def class_of(error: NodeError) -> ErrorClass:
    """What the machinery makes of the hook: what is said later counts."""
    answers, findings = PLUGINS.contribute("retry_plus_classify", ErrorClass, error=error)
    assert findings == []
    return answers[-1][1] if answers else UNKNOWN


@pytest.mark.parametrize("known", KNOWN_ERRORS, ids=lambda known: f"{known.adapter}: {known.message[:60]}")
def test_what_drivers_say(known: KnownError) -> None:
    assert class_of(error_of(known.adapter, known.cause)) is known.expected


@pytest.mark.parametrize("known", KNOWN_ERRORS, ids=lambda known: f"{known.adapter}: {known.message[:60]}")
def test_that_dbt_repeats_it_changes_nothing(known: KnownError) -> None:
    heading = "Database Error in model deadlock detected (models/deadlock detected.sql)\n  "
    of_dbt = ErrorCause("dbt_common.exceptions.base.DbtDatabaseError", heading + known.cause.message)
    assert class_of(error_of(known.adapter, of_dbt, known.cause)) is known.expected


@pytest.mark.parametrize(
    ("table", "rule"),
    [pytest.param(name, rule, id=f"{name}-{number}") for name, (_, rules) in TABLES.items() for number, rule in enumerate(rules)],
)  # fmt: skip
def test_each_rule_decides_for_something_that_a_driver_says(table: str, rule: Rule) -> None:
    adapters, rules = TABLES[table]
    deciding = [
        known for known in KNOWN_ERRORS
        if (not adapters or known.adapter in adapters) and rule_that_fits((known.cause,), rules) is rule
    ]  # fmt: skip
    assert deciding


@pytest.mark.parametrize("table", TABLES)
def test_no_code_is_taken_by_an_earlier_rule(table: str) -> None:
    _, rules = TABLES[table]
    for rule in (rule for rule in rules if rule.codes and not rule.message):
        of = next(known.type for known in KNOWN_ERRORS if rule_that_fits((known.cause,), rules) is rule)
        for code, name in product(rule.codes, rule.named):
            cause = ErrorCause(of, "", {name: f"{code}000" if len(code) == 2 else code})
            assert rule_that_fits((cause,), rules) is rule, (code, name)


@pytest.mark.parametrize("kind", [ErrorKind.TEST, ErrorKind.COMPILATION, ErrorKind.CONTRACT])
@pytest.mark.parametrize("known", [known for known in KNOWN_ERRORS if known.expected is not PERMANENT][::5])
def test_tests_compilation_and_contracts_are_permanent_whatever_else_is_said(
    kind: ErrorKind, known: KnownError
) -> None:
    assert class_of(error_of(known.adapter, known.cause, kind=kind)) is PERMANENT


def test_each_file_answers_for_its_own_adapters_only() -> None:
    lock = ErrorCause("_duckdb.IOException", 'IO Error: Could not set lock on file "x"')
    assert class_of(error_of("duckdb", lock)) is TRANSIENT
    assert class_of(error_of("sqlite", lock)) is UNKNOWN
    for adapter in ("redshift", "postgres"):
        assert (
            class_of(error_of(adapter, ErrorCause("psycopg2.errors.LockNotAvailable", "", {"pgcode": "55P03"})))
            is TRANSIENT
        )
    assert class_of(error_of("snowflake", ErrorCause("a.Error", "", {"sqlstate": "55P03"}))) is UNKNOWN


def test_nothing_is_said_of_an_error_without_exceptions() -> None:
    assert class_of(NodeError("model.shop.a", "postgres", ErrorKind.DATABASE, "deadlock detected")) is UNKNOWN


@given(unique_id=st.text(), known=st.sampled_from(KNOWN_ERRORS), message=st.text())
def test_neither_the_name_of_the_node_nor_dbts_message_counts(unique_id: str, known: KnownError, message: str) -> None:
    error = replace(error_of(known.adapter, known.cause, unique_id=unique_id), message=message)
    assert class_of(error) is known.expected


NAMES = (
    "connection_reset",
    "Connection reset by peer",
    "deadlock detected",
    "57014",
    "FATAL:  sorry, too many clients already",
)


@pytest.mark.parametrize(
    "adapter", ["postgres", "redshift", "duckdb", "snowflake", "bigquery", "databricks", "trino", "mysql"]
)
@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_node_in_dbts_own_message_is_not_looked_at(adapter: str, name: str) -> None:
    message = f"Database Error in model {name} (models/{name}.sql)\n  something else: {name}\n  compiled code at target/{name}"
    assert class_of(error_of(adapter, ErrorCause("dbt_common.exceptions.base.DbtDatabaseError", message))) is UNKNOWN


@pytest.mark.parametrize("value", NAMES)
def test_a_value_that_a_data_error_quotes_is_not_looked_at(value: str) -> None:
    bad_value = ErrorCause(
        "psycopg2.errors.InvalidTextRepresentation", f'invalid input syntax for type integer: "{value}"'
    )
    assert class_of(error_of("postgres", replace(bad_value, codes={"pgcode": "22P02"}))) is PERMANENT
    assert class_of(error_of("postgres", bad_value)) is UNKNOWN
    conversion = ErrorCause(
        "_duckdb.ConversionException", f"Conversion Error: Could not convert string '{value}' to INT32"
    )
    assert class_of(error_of("duckdb", conversion)) is PERMANENT
    assert class_of(error_of("duckdb", ErrorCause("builtins.ValueError", value))) is UNKNOWN


def test_what_dbt_says_counts_where_no_driver_speaks() -> None:
    refused = 'connection to server at "h", port 5 failed: Connection refused\n  \tIs the server running?'
    for message in (refused, f"Database Error\n  {refused}", f"Database Error in model a (a.sql)\n  {refused}"):
        cause = ErrorCause("dbt.adapters.exceptions.connection.FailedToConnectError", message)
        assert class_of(error_of("postgres", cause)) is TRANSIENT


def test_a_number_of_the_database_decides_before_any_text() -> None:
    cause = ErrorCause("psycopg2.OperationalError", "server closed the connection unexpectedly", {"pgcode": "42601"})
    assert class_of(error_of("postgres", cause)) is PERMANENT
    assert class_of(error_of("postgres", replace(cause, codes={"pgcode": "58000"}))) is UNKNOWN
    assert class_of(error_of("postgres", replace(cause, codes={}))) is TRANSIENT


def test_a_certificate_that_is_refused_is_permanent_whatever_wraps_it() -> None:
    causes = (
        ErrorCause(
            "requests.exceptions.SSLError", "HTTPSConnectionPool(host='x', port=1): Max retries exceeded with url: /"
        ),
        ErrorCause(
            "urllib3.exceptions.MaxRetryError",
            "HTTPSConnectionPool(host='x', port=1): Max retries exceeded with url: /",
        ),
        ErrorCause("ssl.SSLCertVerificationError", "[SSL: CERTIFICATE_VERIFY_FAILED]", {"errno": "1"}),
    )
    assert class_of(error_of("databricks", *causes)) is PERMANENT


HOSTILE = {
    "long": "x" * 10_000_000,
    "quotes": '"' * 10_000_000,
    "brackets": "[" * 10_000_000,
    "spaces": " " * 10_000_000,
    "words": "Failed to connect to DB: " * 400_000,
    "hosts": 'connection to server at "' * 400_000,
    "digits": "4" * 10_000_000,
    "lone surrogate": "deadlock\udc80detected\ud800",
    "control characters": "\x00\x1b[31m\r\x08deadlock detected",
    "url": "400 GET https://" + "a:" * 5_000_000,
    "empty": "",
}


@pytest.mark.parametrize("adapter", ["postgres", "redshift", "duckdb", "snowflake", "bigquery", "databricks", "trino"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_messages_are_answered_at_once(adapter: str, text: str) -> None:
    types = {known.type for known in KNOWN_ERRORS if known.adapter == adapter} | {
        text[:10_000],
        "dbt.X",
        "a_driver.Error",
    }
    causes = [
        ErrorCause(of, text, {"errno": text[:10_000]} if number % 2 else {}) for number, of in enumerate(sorted(types))
    ]
    for cause in causes:  # a pattern that goes astray takes for ever
        assert class_of(error_of(adapter, cause)) in ErrorClass
