"""Rules that tell the class of an error, and how they are matched.

A rule is matched on the exceptions of drivers: on their types, on their codes, and on their messages without SQL. Names
of nodes are in none of these. A message is matched from its start: values that it quotes come later.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from dbt_retry_plus.classifiers.message import MAX_LENGTH
from dbt_retry_plus.types import ErrorCause, NodeError
from dbt_retry_plus.words import ErrorClass, ErrorKind

SQLSTATE = ("pgcode", "sqlstate")
"""The names under which drivers carry a SQLSTATE."""

_NUMBERS = (*SQLSTATE, "errno", "error_name")
"""The names of what a database itself says of an error in a number or a name."""

_NO_NUMBERS = frozenset({"", "-1", "None", "n/a"})

_DBT = ("dbt.", "dbt_common.")

# dbt_common.exceptions.base, DbtRuntimeError.__str__: the first line names the node, the others are indented.
_DBT_HEADING = re.compile(r"[A-Z][a-z]+ Error(?: in [^\n]{0,1000})?\n")


@dataclass(frozen=True)
class Rule:
    """What it means that an exception is of a type, carries a code and says something: all that is given has to fit.

    Patterns are text, since Python compiles them when they are first used, and most never are.

    Attributes:
        error_class: What an error is taken for.
        type: A pattern of the whole type of the exception.
        named: The names under which a code is looked for.
        codes: The codes; one of two characters stands for a class of SQLSTATEs.
        message: A pattern of the start of the message. Where no codes are given, it is not looked for in the message
            of an exception that carries its database's number: the number has been looked at before.
    """

    error_class: ErrorClass
    type: str = ""
    named: tuple[str, ...] = SQLSTATE
    codes: tuple[str, ...] = ()
    message: str = ""


def said(error: NodeError, adapters: Sequence[str], rules: Iterable[Rule]) -> Iterator[ErrorClass]:
    """Yield the class of an error, if it comes from one of the adapters and a rule fits.

    Args:
        error: The error of a node.
        adapters: The types of adapters that the rules are for; none where they are for all.
        rules: The rules: those with codes first, those with types only next, those with messages only last.
    """
    of_driver = error.kind in {ErrorKind.DATABASE, ErrorKind.OTHER}
    if of_driver and (not adapters or error.adapter in adapters):
        rule = rule_that_fits(error.causes, rules)
        if rule is not None:
            yield rule.error_class


def rule_that_fits(causes: Sequence[ErrorCause], rules: Iterable[Rule]) -> Rule | None:
    """Return the first rule that one of the exceptions fits.

    Args:
        causes: The exceptions that an error was made of.
        rules: The rules, in the order in which they count.
    """
    of_drivers = _of_drivers(causes)
    return next((rule for rule in rules if any(_fits(rule, cause) for cause in of_drivers)), None)


def _of_drivers(causes: Sequence[ErrorCause]) -> tuple[ErrorCause, ...]:
    """The exceptions of drivers. dbt's own repeat what they say, and name nodes: they count if there is no other."""
    others = tuple(cause for cause in causes if not cause.type.startswith(_DBT))
    return others or tuple(replace(cause, message=_without_heading(cause.message)) for cause in causes)


def _without_heading(message: str) -> str:
    return _DBT_HEADING.sub("", message, count=1).lstrip() if _DBT_HEADING.match(message) else message


def _fits(rule: Rule, cause: ErrorCause) -> bool:
    of_dbt = cause.type.startswith(_DBT)
    if of_dbt and (rule.codes or not rule.message):
        return False  # it stands for a driver's exception whose type is not known
    if rule.type and not of_dbt and not re.fullmatch(rule.type, cause.type):
        return False
    if rule.codes:
        if not any(_is_one_of(cause.codes.get(name), rule.codes, name) for name in rule.named):
            return False
    elif rule.message and _carries_number(cause):
        return False
    return not rule.message or re.match(rule.message, cause.message[:MAX_LENGTH]) is not None


def _is_one_of(code: str | None, codes: tuple[str, ...], name: str) -> bool:
    if code is None:
        return False
    return code in codes or (name in SQLSTATE and len(code) == 5 and code[:2] in codes)


def _carries_number(cause: ErrorCause) -> bool:
    return any(cause.codes.get(name, "") not in _NO_NUMBERS for name in _NUMBERS)
