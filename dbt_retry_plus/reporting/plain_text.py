"""What a project or a database said, made of characters that every document can hold."""

from __future__ import annotations

import re

from dbt_retry_plus.reporting.document import shortened

# Colours and all else that a terminal takes for an order; each alternative stops at the next escape.
_ORDERS = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, moves of the cursor
    "|(?:\x1b\\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c)?"  # titles, links
    "|\x1b[ -/]*[0-Z\\\\^-~]"
)
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def plain(text: str, longest: int) -> str:
    """Make of a text one without orders to terminals, and without characters that cannot be seen; its lines stay.

    What is left is valid in XML, HTML, Markdown and JSON, once it is escaped as each of them demands.

    Args:
        text: Whatever it is, of any length.
        longest: How many characters may be kept; of a longer one, its middle is left out.
    """
    shown = _ORDERS.sub("", shortened(text, longest)).replace("\r\n", "\n").replace("\r", "\n")
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() or c in "\n\t" else " " if c.isspace() else _REPLACEMENT for c in shown)


def plain_line(text: str, longest: int = 200) -> str:
    """Make of a text one line of that kind."""
    return " ".join(plain(text, longest).split())
