"""What a project, its environment and the command line set: `dbt_retry_plus.yml`, then `DBT_RETRY_PLUS_*`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from dbt_retry_plus.attempt_settings import KINDS_OF_RULES, RULE_NAMES, patterns, whole_number
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.settings_file import Entry, read_settings_file
from dbt_retry_plus.store_url import is_url, refuse_credentials
from dbt_retry_plus.types import AttemptRules
from dbt_retry_plus.words import Backoff, Changed, CheckLevel, RebuildTested, RetryOn

if TYPE_CHECKING:
    from dbt_retry_plus.jobs.definition import Job

SETTINGS_FILE = "dbt_retry_plus.yml"
VARIABLE_PREFIX = "DBT_RETRY_PLUS_"
LEDGER_FOLDER = "retry_plus"


@dataclass(frozen=True)
class Settings:
    """All settings, each with its default.

    Attributes:
        record: Whether invocations are recorded.
        ledger: The folder of the ledger, from the project folder; `<target-path>/retry_plus` when empty. Or the URL
            of a store, to which what is recorded in that folder is shipped.
        ledger_interval: How long, in seconds, what is recorded may wait until it is shipped to the store.
        ledger_environment: What tells apart, in the store, the environments in which a project runs; made of the
            target and its connection when empty.
        keep_invocations: How many invocations stay on the ledger.
        keep_megabytes: How large it may grow.
        changed: Which nodes that changed since they succeeded are rebuilt.
        rebuild_tested: When a failed data test brings back the nodes that it tests.
        max_age: How old, in seconds, what is retried may be; of any age when None.
        check_relations: Whether the warehouse is asked for the proven nodes that the retry set reads.
        attempts: How often a node is executed at most.
        backoff: How the delay between attempts grows.
        delay: Seconds before the second attempt.
        max_delay: Seconds that no delay exceeds, its jitter not counted.
        jitter: Seconds of which a random part is added to each delay.
        attempt_budget: How many attempts all nodes may have besides their first; no bound when None.
        time_budget: Seconds after the first node began in which an attempt may begin; no bound when None.
        retry_on: The classes of error after which a node is executed again.
        only_rerun: Regular expressions of the only errors after which it is, whatever their class.
        rerun_except: Regular expressions of errors after which it is not.
        fail_on_flaky: Whether a node that more than one attempt has proven makes the exit code 1.
        idempotent_operations: Macros that a run-operation may run again.
        checks: What the finding of a code does, where that is not its default.
        hooks: The project's own file of hooks, from the project folder; none is run when empty.
        disable_plugins: Names of plugins that are left out.
        strict: Whether a plugin that cannot be loaded stops a retry.
        plugins: What the settings file gives plugins, by their names.
        jobs: Several dbt commands as steps of one job, by the names of the jobs.
    """

    record: bool = True
    ledger: str = ""
    ledger_interval: float = 10.0
    ledger_environment: str = ""
    keep_invocations: int = 30
    keep_megabytes: int = 1000
    changed: Changed = Changed.ANCESTORS
    rebuild_tested: RebuildTested = RebuildTested.CHANGED
    max_age: float | None = None
    check_relations: bool = False
    attempts: int = 1
    backoff: Backoff = Backoff.EXPONENTIAL
    delay: float = 1.0
    max_delay: float = 30.0
    jitter: float = 1.0
    attempt_budget: int | None = None
    time_budget: float | None = None
    retry_on: RetryOn = RetryOn.TRANSIENT
    only_rerun: tuple[str, ...] = ()
    rerun_except: tuple[str, ...] = ()
    fail_on_flaky: bool = False
    idempotent_operations: tuple[str, ...] = ()
    checks: Mapping[str, CheckLevel] = field(default_factory=dict)
    hooks: str = ""
    disable_plugins: tuple[str, ...] = ()
    strict: bool = False
    plugins: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    jobs: Mapping[str, Job] = field(default_factory=dict)

    @property
    def attempt_rules(self) -> AttemptRules:
        """What holds for nodes that say nothing of attempts themselves."""
        return AttemptRules(**{name: getattr(self, name) for name in RULE_NAMES})


def read_settings(project_root: Path, environment: Mapping[str, str]) -> Settings:
    """Read the settings of a project; environment variables win over the file.

    Raises:
        RetryRefusedError: The file cannot be read, or a setting is unknown or has a value of another kind.
    """
    values = {
        name: checked(name, entry, _KINDS) for name, entry in read_settings_file(project_root / SETTINGS_FILE).items()
    }
    for name in _KINDS.keys() - _ONLY_IN_THE_FILE:
        variable = VARIABLE_PREFIX + name.upper()
        if environment.get(variable):
            values[name] = checked(name, Entry(environment[variable], f"the environment variable {variable}"), _KINDS)
    return Settings(**values)


def read_disabled_plugins(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Read the one setting that matters before there is a project."""
    return _names(environment.get(VARIABLE_PREFIX + "DISABLE_PLUGINS", ""))


def ledger_folder(settings: Settings, project_root: Path, target_path: Path) -> Path:
    """Return where the ledger of a project is; with a store, that of this machine."""
    if not settings.ledger or is_url(settings.ledger):
        return target_path / LEDGER_FOLDER
    return project_root / Path(settings.ledger).expanduser()


def node_settings(where: str, values: object) -> Mapping[str, Any]:
    """Read what a node's `meta.retry_plus` sets: those of the settings that make sense for one node.

    Args:
        where: The node and its file, for messages.
        values: What stands there.

    Raises:
        RetryRefusedError: It is no mapping, or a setting is unknown there or has a value of another kind.
    """
    if not isinstance(values, dict):
        raise RetryRefusedError(f"{where} has a meta.retry_plus that does not hold settings by their names. Mend it.")
    of_attempts = {name: _KINDS[name] for name in RULE_NAMES}
    kinds: Mapping[str, Callable[[Any], Any]] = {
        "changed": _changed_of_node,
        "rebuild_tested": RebuildTested,
        **of_attempts,
    }
    return {
        str(name): checked(str(name), Entry(value, f"{where}, meta.retry_plus,"), kinds)
        for name, value in values.items()
    }


def given_settings(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read those of the options of a command line that are named as settings are, and were given.

    Raises:
        RetryRefusedError: One of them has a value of another kind.
    """
    return {
        name: checked(name, Entry(list(value) if isinstance(value, tuple) else value, _as_option(name)), _KINDS)
        for name, value in options.items()
        if name in RULE_NAMES | _BUDGETS and value not in (None, ())
    }


def _as_option(name: str) -> str:
    return f"The command line, --{name.replace('_', '-')},"


def nearest(word: str, known: Iterable[str]) -> str:
    """Say which of the known words may have been meant, or which there are."""
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Known are: {', '.join(known)}."


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


def _switch(value: Any) -> bool:
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


def _names(value: Any) -> tuple[str, ...]:
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


def _changed_of_node(value: Any) -> Changed:
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
        _switch: "true or false",
        count: "a whole number above 0",
        _path: "a path",
        _ledger: "a path or the URL of a store",
        _environment: "a name of letters, digits, dots and dashes",
        _interval: "a time such as 5s or 1m",
        duration: "a time such as 90s, 30m, 12h or 2d",
        _names: "a list of names",
        _levels: "a level by the code of each check",
        _by_plugin: "a mapping by the name of each plugin",
        _jobs: "a mapping by the name of each job",
        Changed: _one_of(Changed),
        _changed_of_node: "one of none, ancestors",
        RebuildTested: _one_of(RebuildTested),
        Backoff: _one_of(Backoff),
        RetryOn: _one_of(RetryOn),
        patterns: "a regular expression, or a list of them",
        whole_number: "a whole number",
    }
)
_KIND_OF_TYPE: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "bool": _switch,
        "int": count,
        "str": _path,
        "int | None": whole_number,
        "float": duration,
        "float | None": duration,
        "tuple[str, ...]": _names,
        "Mapping[str, CheckLevel]": _levels,
        "Mapping[str, Mapping[str, Any]]": _by_plugin,
        "Mapping[str, Job]": _jobs,
        "Changed": Changed,
        "RebuildTested": RebuildTested,
        "Backoff": Backoff,
        "RetryOn": RetryOn,
    }
)
_KIND_OF_FIELD: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {**KINDS_OF_RULES, "ledger": _ledger, "ledger_environment": _environment, "ledger_interval": _interval}
)
_KINDS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {field.name: _KIND_OF_FIELD.get(field.name) or _KIND_OF_TYPE[str(field.type)] for field in fields(Settings)}
)
_BUDGETS = frozenset({"attempt_budget", "time_budget"})
_ONLY_IN_THE_FILE = frozenset({"checks", "plugins", "jobs"})
_OF_ENTRIES = frozenset({_levels, _by_plugin, _jobs, _ledger})
