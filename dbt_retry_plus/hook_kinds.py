"""What kind each hook of `hookspecs.py` is."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType


class Kind(str, Enum):
    """What a hook may do, and what becomes of an exception in it."""

    VALIDATE = "validate"
    CONTRIBUTE = "contribute"
    OBSERVE = "observe"


KIND_OF_HOOK: Mapping[str, Kind] = MappingProxyType(
    {
        "retry_plus_options": Kind.CONTRIBUTE,
        "retry_plus_settings": Kind.CONTRIBUTE,
        "retry_plus_report_formats": Kind.CONTRIBUTE,
        "retry_plus_ledger_stores": Kind.CONTRIBUTE,
        "retry_plus_check_record": Kind.VALIDATE,
        "retry_plus_compare": Kind.CONTRIBUTE,
        "retry_plus_amend": Kind.CONTRIBUTE,
        "retry_plus_check_plan": Kind.VALIDATE,
        "retry_plus_before_execution": Kind.OBSERVE,
        "retry_plus_before_attempt": Kind.OBSERVE,
        "retry_plus_classify": Kind.CONTRIBUTE,
        "retry_plus_after_attempt": Kind.OBSERVE,
        "retry_plus_after_execution": Kind.OBSERVE,
        "retry_plus_report": Kind.OBSERVE,
    }
)
"""Each hook's kind, in the order in which they are called."""
