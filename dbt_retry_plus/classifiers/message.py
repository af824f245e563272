"""What a driver says of an error, without the SQL that it quotes: SQL may hold any word that a message does."""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_LENGTH = 4_000
"""Characters that are kept of a message."""

_MAX_READ = 200_000
"""Characters that are read of a message: drivers say what happened before they quote."""

# PostgreSQL (libpq's fe-protocol3.c, reportErrorPosition) and DuckDB (QueryErrorContext::Format) show the line of the
# statement that an error is in, and below it a line with carets.
_QUOTED_LINE = re.compile(r"LINE \d{1,9}:")
_CARETS = re.compile(r"[ \t]*\^[\^~ \t]*")

# What follows these is SQL to the end, or of no use where there is no SQL.
_QUOTED_TO_THE_END = re.compile(
    r"(?:QUERY|CONTEXT|STATEMENT): "  # PostgreSQL, in this order and last (libpq, pqBuildErrorMessage3)
    r"|== (?:SQL|DataFrame)\b"  # Spark and Databricks (QueryContext.summary)
    r"|'[A-Z][A-Za-z]{1,60} \["  # the plan that Spark's AnalysisException shows: 'Project ['nope]
    r"|-{5}Query Job SQL Follows-{5}"  # google-cloud-bigquery, QueryJob._begin
    r"|\[SQL: "  # SQLAlchemy, which some adapters use
    r"|Row Values: \["  # Snowflake, what a MERGE found twice
)

# MySQL and those that speak its language quote the statement in the sentence itself.
_QUOTED_IN_SENTENCE = re.compile(r"(the right syntax to use near ).*", re.DOTALL)


def without_sql(text: str) -> str:
    """Return what a driver says, without what it quotes of SQL.

    Args:
        text: Its message, of any length.

    Returns:
        The message, at most `MAX_LENGTH` characters of it, which can be encoded as UTF-8.
    """
    kept: list[str] = []
    length = 0
    in_quote = False
    for line in _lines(text[:_MAX_READ]):
        bare = line.lstrip()
        if _QUOTED_TO_THE_END.match(bare) or length > MAX_LENGTH:
            break
        if _QUOTED_LINE.match(bare) or (in_quote and _CARETS.fullmatch(line)):
            in_quote = True
            continue
        in_quote = False
        kept.append(line)
        length += len(line) + 1
    said = _QUOTED_IN_SENTENCE.sub(r"\1", "\n".join(kept))
    return said.strip()[:MAX_LENGTH].rstrip().encode("utf-8", "replace").decode("utf-8")


def _lines(text: str) -> Iterator[str]:
    """Yield the lines; not `splitlines`, which also ends them at characters that values may hold."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield text[start:end].rstrip("\r")
        start = end + 1
