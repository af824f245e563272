"""What a project, its environment and the command line set: `dbt_retry_plus.yml`, then `DBT_RETRY_PLUS_*`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.words import Changed, RebuildTested

SETTINGS_FILE = "dbt_retry_plus.yml"
VARIABLE_PREFIX = "DBT_RETRY_PLUS_"
LEDGER_FOLDER = "retry_plus"


@dataclass(frozen=True)
class Settings:
    """All settings, each with its default.

    Attributes:
        record: Whether invocations are recorded.
        ledger: The folder of the ledger, from the project folder; `<target-path>/retry_plus` when empty.
        keep_invocations: How many invocations stay on the ledger.
        keep_megabytes: How large it may grow.
        changed: Which nodes that changed since they succeeded are rebuilt.
        rebuild_tested: When a failed data test brings back the nodes that it tests.
    """

    record: bool = True
    ledger: str = ""
    keep_invocations: int = 30
    keep_megabytes: int = 1000
    changed: Changed = Changed.ANCESTORS
    rebuild_tested: RebuildTested = RebuildTested.CHANGED


def read_settings(project_root: Path, environment: Mapping[str, str]) -> Settings:
    """Read the settings of a project; environment variables win over the file.

    Raises:
        RetryRefusedError: The file cannot be read, or a setting is unknown or has a value of another kind.
    """
    path = project_root / SETTINGS_FILE
    values = {name: _checked(name, value, f"'{path}'") for name, value in _read_file(path).items()}
    for name in _KINDS:
        variable = VARIABLE_PREFIX + name.upper()
        if environment.get(variable):
            values[name] = _checked(name, environment[variable], f"the environment variable {variable}")
    return Settings(**values)


def ledger_folder(settings: Settings, project_root: Path, target_path: Path) -> Path:
    """Return where the ledger of a project is."""
    return project_root / Path(settings.ledger).expanduser() if settings.ledger else target_path / LEDGER_FOLDER


def _read_file(path: Path) -> Mapping[str, Any]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise RetryRefusedError(f"Could not read '{path}': {error.strerror}. Mend or delete it.") from None
    # dbt's own dependency; most projects have no settings and need not pay for it.
    import yaml  # type: ignore[import-untyped]

    try:
        document = yaml.safe_load(content)
    except Exception as error:  # besides its own errors whatever a constructor of a value raises
        where = " ".join(str(error).split())
        raise RetryRefusedError(f"'{path}' is not valid YAML ({where}). Mend or delete it.") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise RetryRefusedError(f"'{path}' does not hold settings by their names. Mend or delete it.")
    return document


def _checked(name: str, value: Any, where: str) -> Any:
    if name not in _KINDS:
        raise RetryRefusedError(f"{where} has the unknown setting {name!r}. Known are: {', '.join(sorted(_KINDS))}.")
    try:
        return _KINDS[name](value)
    except (TypeError, ValueError):
        raise RetryRefusedError(
            f"{where} gives the setting {name!r} the value {value!r}, which is not {_WORDS[_KINDS[name]]}. Mend it."
        ) from None


def _switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in _SWITCH_WORDS:
        return _SWITCH_WORDS[str(value).lower()]
    raise ValueError(value)


def _count(value: Any) -> int:
    if isinstance(value, (bool, float)) or int(value) < 1:
        raise ValueError(value)
    return int(value)


def _path(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise TypeError(value)
    return value


def _one_of(choices: type[Enum]) -> str:
    return f"one of {', '.join(str(choice.value) for choice in choices)}"


_SWITCH_WORDS = MappingProxyType(
    {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
)
_WORDS: Mapping[Callable[[Any], Any], str] = MappingProxyType(
    {
        _switch: "true or false",
        _count: "a whole number above 0",
        _path: "a path",
        Changed: _one_of(Changed),
        RebuildTested: _one_of(RebuildTested),
    }
)
_KIND_OF_TYPE: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {"bool": _switch, "int": _count, "str": _path, "Changed": Changed, "RebuildTested": RebuildTested}
)
_KINDS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {field.name: _KIND_OF_TYPE[str(field.type)] for field in fields(Settings)}
)
