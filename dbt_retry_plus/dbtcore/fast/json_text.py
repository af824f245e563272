"""JSON of dbt's artifacts, by a compiled library where it has the same meaning and the same characters for it.

It writes no blanks between values. What it would write otherwise than Python is left to Python: text that is not
ASCII, which dbt escapes, and whatever it refuses. It makes `null` of a number that JSON lacks, where Python writes
`NaN`: who calls has to know that there is none.
"""

from __future__ import annotations

from typing import Any

import orjson
from dbt_common.utils.encoding import JSONEncoder

from dbt_retry_plus.ledger.quick_json import ascii_text

_OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


class JsonText:
    """Makes the text of documents, in UTF-8."""

    def __init__(self, *, numbers_as_keys: bool = False) -> None:
        """Have dbt's own encoder make of a value that JSON lacks one that it has.

        Args:
            numbers_as_keys: Whether there are whole numbers among the keys of mappings.
        """
        self._dbts_own = JSONEncoder()
        self._options = _OPTIONS | (orjson.OPT_NON_STR_KEYS if numbers_as_keys else 0)

    def finite(self, document: Any) -> bytes:
        """Return the text of a document without infinite numbers."""
        return ascii_text(document, self.any, self._dbts_own.default, self._options)

    def any(self, document: Any) -> bytes:
        """Return the text of any document, as dbt writes it."""
        text: str = self._dbts_own.encode(document)
        return text.encode()
