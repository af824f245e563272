"""What settings, nodes and the command line say of attempts, and which of them counts.

The order of strength: the command line, then `meta.retry_plus` of the node (dbt lays that of its folder in
`dbt_project.yml` under it), then the environment, then `dbt_retry_plus.yml`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from dbt_retry_plus.types import AttemptRules
from dbt_retry_plus.words import Backoff, RetryOn


def patterns(value: Any) -> tuple[str, ...]:
    """Read regular expressions: one, or a list of them.

    Raises:
        TypeError: It is neither.
        ValueError: One of them is no regular expression.
    """
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
        raise TypeError(value)
    for text in texts:
        try:
            re.compile(text)
        except (re.error, OverflowError, RecursionError):
            raise ValueError(text) from None
    return tuple(texts)


def whole_number(value: Any) -> int:
    """Read a number of attempts that may be none.

    Raises:
        ValueError: It is no whole number, or below zero.
    """
    if isinstance(value, (bool, float)) or int(value) < 0:
        raise ValueError(value)
    return int(value)


def rules_with(rules: AttemptRules, values: Mapping[str, Any]) -> AttemptRules:
    """Lay values over rules, by their names; what is none of theirs is passed over."""
    own = {name: value for name, value in values.items() if name in RULE_NAMES}
    return AttemptRules(**{**vars(rules), **own}) if own else rules


RULE_NAMES = frozenset(vars(AttemptRules()))
KINDS_OF_RULES: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {"backoff": Backoff, "retry_on": RetryOn, "only_rerun": patterns, "rerun_except": patterns}
)
"""Those that are not a number or a time."""
