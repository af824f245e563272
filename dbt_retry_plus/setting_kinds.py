"""The kinds of values that settings have: how each is read, and in what words it is asked for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from dbt_retry_plus.attempt_settings import KINDS_OF_RULES, patterns, whole_number
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.settings_file import Entry
from dbt_retry_plus.store_url import refuse_credentials
from dbt_retry_plus.words import Backoff, Changed, CheckLevel, RebuildTested, RetryOn

if TYPE_CHECKING:
    from dbt_retry_plus.jobs.definition import Job


def nearest(word: str, known: Iterable[str]) -> str:
    """Say which of the known words may have been meant, or which there are."""
    close = close_to(word, known)
    return f"Did you mean {close!r}?" if close else f"Known are: {', '.join(sorted(known))}."


def close_to(word: str, known: Iterable[str]) -> str | None:
    """Return which of the known words may have been meant; None where none of them is like it."""
    return next(iter(difflib.get_close_matches(word, sorted(known), n=1)), None)


def checked(name: str, entry: Entry, kinds: Mapping[str, Callable[[Any], Any]]) -> Any:
    """Return the value of a setting.

    Args:
        name: The setting.
        entry: What is given.
        kinds: What makes of a given value that of the setting, by the settings that there are.

    Raises:
        RetryRefusedError: The setting is unknown, or has a value of another kind.
    """
    if name not in kinds:
        raise RetryRefusedError(f"{entry.where} has the unknown setting {name!r}. {nearest(name, kinds)}")
    kind = kinds[name]
    try:
        if kind in _OF_ENTRIES:
            return kind(entry)
        return kind(entry.plain)
    except (TypeError, ValueError):
        raise RetryRefusedError(
            f"{entry.where} gives the setting {name!r} the value {entry.plain!r}, which is not {_WORDS[kind]}. Mend it."
        ) from None


def switch(value: Any) -> bool:
    """Read true or false, as dbt's variables say it; raises ValueError for what is neither."""
    if isinstance(value, bool):
        return value
    if str(value).lower() in _SWITCH_WORDS:
        return _SWITCH_WORDS[str(value).lower()]
    raise ValueError(value)


def count(value: Any) -> int:
    """Read a number of things; raises TypeError or ValueError for what is none."""
    if isinstance(value, (bool, float)) or int(value) < 1:
        raise ValueError(value)
    return int(value)


def _path(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise TypeError(value)
    return value


def _ledger(entry: Entry) -> str:
    ledger = _path(entry.plain)
    refuse_credentials(ledger, entry.where)
    return ledger


def _environment(value: Any) -> str:
    if not isinstance(value, str) or not _ENVIRONMENT.fullmatch(value):
        raise ValueError(value)
    return value


def _interval(value: Any) -> float:
    return max(duration(value), _SHORTEST_INTERVAL)


def duration(value: Any) -> float:
    """Read a time as seconds; raises ValueError for what is none."""
    found = _DURATION.fullmatch(str(value).strip())
    if isinstance(value, bool) or not found:
        raise ValueError(value)
    return float(found[1]) * _SECONDS[found[2] or "s"]


def names(value: Any) -> tuple[str, ...]:
    """Read a list of names, or a text with commas between them; raises TypeError for what is neither."""
    if isinstance(value, str):
        return tuple(name.strip() for name in value.split(",") if name.strip())
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TypeError(value)
    return tuple(value)


def _levels(entry: Entry) -> Mapping[str, CheckLevel]:
    if not isinstance(entry.value, dict):
        raise TypeError(entry.value)
    return {code: _checked_level(code, level) for code, level in entry.value.items()}


def _checked_level(code: str, entry: Entry) -> CheckLevel:
    try:
        return CheckLevel(entry.plain)
    except ValueError:
        raise RetryRefusedError(
            f"{entry.where} gives the check {code!r} the level {entry.plain!r}, which is not {_one_of(CheckLevel)}. "
            "Mend it."
        ) from None


def changed_of_node(value: Any) -> Changed:
    """Read what of `changed` makes sense for one node; raises ValueError for what does not."""
    changed = Changed(value)
    if changed is Changed.ALL:  # with nothing else to retry, nodes are not looked at
        raise ValueError(value)
    return changed


def _by_plugin(entry: Entry) -> Mapping[str, Mapping[str, Any]]:
    plain = entry.plain
    if not isinstance(plain, dict) or not all(isinstance(values, dict) for values in plain.values()):
        raise TypeError(plain)
    return plain


def _jobs(entry: Entry) -> Mapping[str, Job]:
    from dbt_retry_plus.jobs.definition import read_jobs

    return read_jobs(entry)


def _one_of(choices: type[Enum]) -> str:
    return f"one of {', '.join(str(choice.value) for choice in choices)}"


_ENVIRONMENT = re.compile(r"\w[\w.-]{0,99}")
_SHORTEST_INTERVAL = 0.1
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")
_SECONDS = MappingProxyType({"s": 1, "m": 60, "h": 3600, "d": 86_400})
_SWITCH_WORDS = MappingProxyType(
    {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
)
_WORDS: Mapping[Callable[[Any], Any], str] = MappingProxyType(
    {
        switch: "true or false",
        count: "a whole number above 0",
        _path: "a path",
        _ledger: "a path or the URL of a store",
        _environment: "a name of letters, digits, dots and dashes",
        _interval: "a time such as 5s or 1m",
        duration: "a time such as 90s, 30m, 12h or 2d",
        names: "a list of names",
        _levels: "a level by the code of each check",
        _by_plugin: "a mapping by the name of each plugin",
        _jobs: "a mapping by the name of each job",
        Changed: _one_of(Changed),
        changed_of_node: "one of none, ancestors",
        RebuildTested: _one_of(RebuildTested),
        Backoff: _one_of(Backoff),
        RetryOn: _one_of(RetryOn),
        patterns: "a regular expression, or a list of them",
        whole_number: "a whole number",
    }
)
KIND_OF_TYPE: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "bool": switch,
        "int": count,
        "str": _path,
        "int | None": whole_number,
        "float": duration,
        "float | None": duration,
        "tuple[str, ...]": names,
        "Mapping[str, CheckLevel]": _levels,
        "Mapping[str, Mapping[str, Any]]": _by_plugin,
        "Mapping[str, Job]": _jobs,
        "Changed": Changed,
        "RebuildTested": RebuildTested,
        "Backoff": Backoff,
        "RetryOn": RetryOn,
    }
)
KIND_OF_FIELD: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {**KINDS_OF_RULES, "ledger": _ledger, "ledger_environment": _environment, "ledger_interval": _interval}
)
_OF_ENTRIES = frozenset({_levels, _by_plugin, _jobs, _ledger})
