"""What a project, its environment and the command line set: `dbt_retry_plus.yml`, then `DBT_RETRY_PLUS_*`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from dbt_retry_plus.attempt_settings import RULE_NAMES
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.setting_kinds import KIND_OF_FIELD, KIND_OF_TYPE, changed_of_node, checked, names
from dbt_retry_plus.settings_file import Entry, read_settings_file
from dbt_retry_plus.store_url import is_url
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
    return names(environment.get(VARIABLE_PREFIX + "DISABLE_PLUGINS", ""))


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
        "changed": changed_of_node,
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


_KINDS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {field.name: KIND_OF_FIELD.get(field.name) or KIND_OF_TYPE[str(field.type)] for field in fields(Settings)}
)
_BUDGETS = frozenset({"attempt_budget", "time_budget"})
_ONLY_IN_THE_FILE = frozenset({"checks", "plugins", "jobs"})
