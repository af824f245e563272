"""What is left of a driver's message without the SQL that it quotes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.classifiers.message import MAX_LENGTH, without_sql

SQL = "select 'deadlock detected' as secret"


@pytest.mark.parametrize(
    ("message", "left"),
    [
        (f'relation "a" does not exist\nLINE 1: {SQL}\n                      ^\n', 'relation "a" does not exist'),
        (
            f"invalid input\nLINE 3: {SQL}\n        ^\nDETAIL:  Token is invalid.\nHINT:  Mend it.\n",
            "invalid input\nDETAIL:  Token is invalid.\nHINT:  Mend it.",
        ),
        (
            f'invalid input\nLINE 1: x\n ^\nQUERY:  {SQL}\nDETAIL:  {SQL}\nCONTEXT:  SQL statement "{SQL}"\nPL/pgSQL function f()',
            "invalid input",
        ),
        (f"ERROR:  x\nSTATEMENT:  {SQL}", "ERROR:  x"),
        (
            f"Conversion Error: Could not convert string\n\nLINE 4:   {SQL}\n                             ^^^^^",
            "Conversion Error: Could not convert string",
        ),
        (
            f"  Binder Error: No function\n    Candidate functions:\n    f(x)\n  \n  LINE 1: {SQL}\n                 ^~~~",
            "Binder Error: No function\n    Candidate functions:\n    f(x)",
        ),
        (f"400 internal error\n\n(job ID: 1)\n\n     -----Query Job SQL Follows-----\n\n 1: {SQL}", "400 internal error\n\n(job ID: 1)"),
        (f"[PARSE_SYNTAX_ERROR] Syntax error at or near 'x'.(line 1, pos 0)\n\n== SQL ==\n{SQL}\n^^^", "[PARSE_SYNTAX_ERROR] Syntax error at or near 'x'.(line 1, pos 0)"),
        (f"[CAST] bad\n== SQL (line 1, position 8) ==\n{SQL}", "[CAST] bad"),
        (f"cannot resolve;\n'Project ['nope]\n+- {SQL}", "cannot resolve;"),
        (f"(pyodbc.Error) ('40001', 'x')\n[SQL: {SQL}]\n[parameters: ('custom')]", "(pyodbc.Error) ('40001', 'x')"),
        (f"You have an error; the right syntax to use near '{SQL}' at line 1", "You have an error; the right syntax to use near"),
        ("100090 (42P18): Duplicate row detected\nRow Values: [12345, 'a', 'b']", "100090 (42P18): Duplicate row detected"),
        ("windows\r\nLINE 1: select 1\r\n        ^\r\nends", "windows\nends"),
        ("no sql\n^ a caret that belongs to nothing", "no sql\n^ a caret that belongs to nothing"),
        ("'Warehouse X' is gone", "'Warehouse X' is gone"),
        ("", ""),
    ],
)  # fmt: skip
def test_sql_is_left_out(message: str, left: str) -> None:
    assert without_sql(message) == left
    assert "secret" not in without_sql(message)


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_what_is_left_is_short_and_can_be_written_and_stays_as_it_is(message: str) -> None:
    left = without_sql(message)
    left.encode("utf-8")
    assert len(left) <= MAX_LENGTH
    assert without_sql(left) == left


@given(
    st.lists(st.sampled_from(["LINE 1: a", "   ^", "QUERY: b", "c", "", " == SQL ==", "DETAIL:  d", "\r"])).map(
        "\n".join
    )
)
def test_no_quoted_line_is_left(message: str) -> None:
    left = without_sql(message)
    assert "LINE 1" not in left and "QUERY" not in left
    assert without_sql(left) == left


@pytest.mark.parametrize(
    "message",
    ["x" * 10_000_000, "\n" * 10_000_000, "LINE 1: a\n" * 1_000_000, "LINE 1: " + "^" * 10_000_000, "' near " * 1_500_000,
     "the right syntax to use near " * 400_000, " " * 10_000_000, "'Project [" * 1_000_000, "\udc80\x00" * 5_000_000],
)  # fmt: skip
def test_ten_megabytes_are_no_burden(message: str) -> None:
    assert len(without_sql(message)) <= MAX_LENGTH
