"""What `plugins` in `dbt_retry_plus.yml` gives plugins, held against what they say that it may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.plugin_manager import Plugins
from dbt_retry_plus.setting_kinds import close_to, nearest
from dbt_retry_plus.settings import SETTINGS_FILE, Settings
from dbt_retry_plus.settings_file import read_settings_file
from dbt_retry_plus.types import Finding, PluginSettings

_PLUGINS = "plugins"


def with_plugin_settings(
    settings: Settings, plugins: Plugins, project_root: Path
) -> tuple[Settings, tuple[Finding, ...]]:
    """Check what settings give plugins, and add the defaults of what they do not.

    What no plugin says anything of stays as it is: plugins need not say what they take.

    Args:
        settings: What the project sets.
        plugins: The plugins.
        project_root: Its folder.

    Returns:
        The settings, and findings about plugins that failed.

    Raises:
        RetryRefusedError: A plugin is given a setting that it does not have, or a value of another kind; or settings
            are given to a plugin whose name is almost that of one.
    """
    declared, findings = plugins.contribute("retry_plus_settings", PluginSettings)
    known = {each.name: each for _, each in declared}
    for name in settings.plugins:
        if name not in known and close_to(name, known):
            raise RetryRefusedError(f"{_where(project_root, name)} names no plugin. {nearest(name, known)}")
    values = {
        name: {**each.defaults, **_checked(each, settings.plugins.get(name, {}), project_root)}
        for name, each in known.items()
    }
    return replace(settings, plugins={**settings.plugins, **values}), tuple(findings)


def _checked(declared: PluginSettings, given: Mapping[str, Any], project_root: Path) -> Mapping[str, Any]:
    checked = {}
    for setting, value in given.items():
        if setting not in declared.kinds:
            where = _where(project_root, declared.name, setting)
            raise RetryRefusedError(
                f"{where} is no setting of the plugin {declared.name!r}. {nearest(setting, declared.kinds)}"
            )
        try:
            checked[setting] = _of_kind(value, declared.kinds[setting])
        except (TypeError, ValueError) as error:
            where = _where(project_root, declared.name, setting)
            raise RetryRefusedError(f"{where} is given the value {value!r}, which {error}. Mend it.") from None
    return checked


def _of_kind(value: Any, kind: type[Any] | Callable[[Any], Any]) -> Any:
    if not isinstance(kind, type):
        try:
            return kind(value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"is refused: {str(error).rstrip('.') or type(error).__name__}") from None
    takes_integer = kind is float and isinstance(value, int) and not isinstance(value, bool)
    if takes_integer or (isinstance(value, kind) and (kind is bool or not isinstance(value, bool))):
        return value
    raise ValueError(f"is no {_WORDS.get(kind, kind.__name__)}")


def _where(project_root: Path, *names: str) -> str:
    """The file, the line and the setting; settings of plugins have no environment variables."""
    file = project_root / SETTINGS_FILE
    entry = read_settings_file(file)[_PLUGINS]
    for name in names:
        entry = entry.value[name]
    return f"{entry.where} {'.'.join((_PLUGINS, *names))}"


_WORDS: Mapping[type[Any], str] = MappingProxyType(
    {bool: "true or false", int: "whole number", float: "number", str: "text", list: "list", dict: "mapping"}
)
