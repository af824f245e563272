"""The plugins of a retry: which there are, and how their hooks are called.

The module cannot be named `plugins`: dbt looks for its own plugins under that name in the package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pluggy

from dbt_retry_plus import hookspecs
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.hook_kinds import KIND_OF_HOOK, Kind
from dbt_retry_plus.hookspecs import PREFIX, PROJECT
from dbt_retry_plus.plugin_sources import Candidate, built_in, by_module_name, installed, of_project
from dbt_retry_plus.setting_kinds import nearest
from dbt_retry_plus.settings import Settings, read_disabled_plugins
from dbt_retry_plus.texts import one_line
from dbt_retry_plus.types import Finding
from dbt_retry_plus.words import Severity

BUILT_IN = "built-in"


@dataclass(frozen=True)
class PluginInfo:
    """What is known of one plugin.

    Attributes:
        name: What users call it.
        origin: `built-in`, `entry point`, `project` or `command line`.
        distribution: The distribution that it comes with.
        version: The version of that.
        hooks: The hooks that it implements, in the order in which they are called.
        disabled: Whether it was left out on request.
        problem: Why it could not be loaded.
        may_validate: Whether it may hold a check, where it could not be loaded.
    """

    name: str
    origin: str
    distribution: str | None = None
    version: str | None = None
    hooks: tuple[str, ...] = ()
    disabled: bool = False
    problem: str | None = None
    may_validate: bool = False

    @property
    def title(self) -> str:
        """Its name, with the distribution and version that it comes with."""
        return f"{self.name} ({self.distribution} {self.version})" if self.distribution else self.name


class Plugins:
    """The loaded plugins; their hooks are called one by one, so that one that raises does not stop the others."""

    def __init__(self, manager: pluggy.PluginManager, infos: Sequence[PluginInfo], *, strict: bool = False) -> None:
        """Take what was loaded.

        Args:
            manager: Holds the plugins that could be loaded.
            infos: All plugins, also those that could not be loaded or are disabled.
            strict: Whether any plugin that could not be loaded stops a retry.
        """
        self._manager = manager
        self._strict = strict
        self.infos = tuple(infos)

    def problems(self) -> Iterator[Finding]:
        """Yield a finding for each plugin that could not be loaded: an error where it may hold a check."""
        for info in self.infos:
            if info.problem is not None:
                stops = self._strict or info.may_validate
                yield Finding(
                    Severity.ERROR if stops else Severity.WARNING,
                    "plugin-broken",
                    f"The plugin {info.title} could not be loaded: {info.problem}.",
                    "Mend or uninstall it, or leave it out with --no-plugin.",
                )

    def validate(self, hook: str, **arguments: Any) -> list[Finding]:
        """Call a validate hook of all plugins; an exception is an error finding.

        Args:
            hook: Its name.
            arguments: What it is handed.
        """
        found: list[Finding] = []
        for name, call in self._calls(hook, arguments):
            try:
                findings = [_checked(finding, Finding) for finding in call() or ()]
            except Exception as error:  # whatever a plugin raises: a check that did not run has not passed
                problem = f"The check {hook} of the plugin {self._title(name)} failed: {_named(error)}."
                remedy = "Mend the plugin, or leave it out with --no-plugin."
                found.append(Finding(Severity.ERROR, "plugin-failed", problem, remedy))
            else:
                found += findings if self._is_built_in(name) else [_of_plugin(name, f) for f in findings]
        return found

    def contribute(
        self, hook: str, kind: type[Any] | tuple[type[Any], ...], **arguments: Any
    ) -> tuple[list[tuple[str, Any]], list[Finding]]:
        """Call a contribute hook of all plugins; what raises is a warning finding, and left out.

        Args:
            hook: Its name.
            kind: The type of what it returns an iterable of.
            arguments: What it is handed.

        Returns:
            What was returned, each with the name of its plugin, and the findings.
        """
        found: list[tuple[str, Any]] = []
        findings: list[Finding] = []
        for name, call in self._calls(hook, arguments):
            try:
                found += [(name, _checked(item, kind)) for item in call() or ()]
            except Exception as error:  # whatever a plugin raises
                findings.append(self._left_out(hook, name, error))
        return found, findings

    def observe(self, hook: str, **arguments: Any) -> list[Finding]:
        """Call an observe hook of all plugins; what raises is a warning finding.

        Args:
            hook: Its name.
            arguments: What it is handed.
        """
        findings: list[Finding] = []
        for name, call in self._calls(hook, arguments):
            try:
                call()
            except Exception as error:  # whatever a plugin raises
                findings.append(self._left_out(hook, name, error))
        return findings

    def _calls(self, hook: str, arguments: dict[str, Any]) -> Iterator[tuple[str, Callable[[], Any]]]:
        """Yield the name of each plugin that implements a hook, in pluggy's order, and its call."""
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        everyone = self._manager.get_plugins()
        for implementation in reversed(implementations):
            others = everyone - {implementation.plugin}
            caller = self._manager.subset_hook_caller(hook, others)
            yield implementation.plugin_name, partial(_call, caller, arguments)

    def _left_out(self, hook: str, name: str, error: Exception) -> Finding:
        return Finding(
            Severity.WARNING,
            "plugin-failed",
            f"The hook {hook} of the plugin {self._title(name)} failed, and is left out: {_named(error)}.",
            "Mend the plugin, or leave it out with --no-plugin.",
        )

    def _title(self, name: str) -> str:
        return next((info.title for info in self.infos if info.name == name), name)

    def _is_built_in(self, name: str) -> bool:
        return any(info.name == name and info.origin == BUILT_IN for info in self.infos)


def plugins_of_environment(environment: Mapping[str, str]) -> Plugins:
    """Load the plugins that there are without a project, but for those that the environment disables.

    Args:
        environment: The variables of the environment.

    Raises:
        RetryRefusedError: One that is to be disabled is no plugin's name.
    """
    return load_plugins(Settings(disable_plugins=read_disabled_plugins(environment)), None)


def load_plugins(
    settings: Settings, project_root: Path | None, wanted: Sequence[str] = (), unwanted: Sequence[str] = ()
) -> Plugins:
    """Load all plugins that are not disabled.

    Args:
        settings: What the project sets.
        project_root: The project's folder; None where there is no project yet.
        wanted: Names of plugins that are loaded although settings disable them, or modules to load besides.
        unwanted: Names of plugins that are left out.

    Raises:
        RetryRefusedError: One of the names is no plugin's, or settings name a file that is not there.
    """
    candidates = [*built_in(), *installed(), *_project_file(settings, project_root)]
    known = {candidate.name for candidate in candidates}
    candidates += [by_module_name(name) for name in wanted if name not in known]
    for name in (*unwanted, *settings.disable_plugins):
        if name not in known:
            raise RetryRefusedError(f"There is no plugin {name!r} to leave out. {nearest(name, known)}")
    disabled = (set(settings.disable_plugins) - set(wanted)) | set(unwanted)
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    infos: list[PluginInfo] = []
    # pluggy calls what was registered last first: so the built-in ones speak first, and the project's own last.
    for candidate in reversed(candidates):
        name = _free_name(candidate, {info.name for info in infos})
        info = PluginInfo(name, candidate.origin, candidate.distribution, candidate.version)
        if candidate.name in disabled:
            infos.append(replace(info, disabled=True))
        else:
            infos.append(_register(manager, candidate, info))
    return Plugins(manager, list(reversed(infos)), strict=settings.strict)


def _project_file(settings: Settings, project_root: Path | None) -> Iterable[Candidate]:
    if not settings.hooks or project_root is None:
        return ()
    file = project_root / settings.hooks
    if not file.is_file():
        raise RetryRefusedError(f"The setting 'hooks' names '{file}', which is not there. Mend the setting.")
    return (of_project(file),)


def _register(manager: pluggy.PluginManager, candidate: Candidate, info: PluginInfo) -> PluginInfo:
    plugin = None
    try:
        plugin = candidate.load()
        plugin = plugin() if isinstance(plugin, type) else plugin
        manager.register(plugin, info.name)
        hooks = _hooks_of(manager, plugin)
    except (Exception, SystemExit) as error:  # whatever the code of a plugin raises as it is imported
        if plugin is not None and manager.is_registered(plugin):
            manager.unregister(plugin)
        return replace(info, problem=_named(error), may_validate=candidate.may_validate())
    return replace(info, hooks=hooks)


def _hooks_of(manager: pluggy.PluginManager, plugin: object) -> tuple[str, ...]:
    """The hooks that a plugin implements.

    Raises:
        TypeError: It implements one that does not exist, or in a way that is not called.
    """
    implemented = {caller.name for caller in manager.get_hookcallers(plugin) or ()}
    for name in sorted(implemented - KIND_OF_HOOK.keys()):
        raise TypeError(f"there is no hook {name}. {nearest(name, KIND_OF_HOOK)}".rstrip("."))
    for name in sorted(dir(plugin)):
        if name.startswith(PREFIX) and name not in implemented and callable(getattr(plugin, name, None)):
            raise TypeError(f"{name} is not marked with @hookimpl")
    for caller in manager.get_hookcallers(plugin) or ():
        for implementation in caller.get_hookimpls():
            if implementation.plugin is plugin and (implementation.wrapper or implementation.hookwrapper):
                raise TypeError(f"{caller.name} is a wrapper, and hooks are called one by one")
    return tuple(name for name in KIND_OF_HOOK if name in implemented)


def _free_name(candidate: Candidate, taken: set[str]) -> str:
    """Two plugins of one name are both there: the later one gets a number."""
    name, number = candidate.name, 2
    while name in taken:
        name, number = f"{candidate.name}#{number}", number + 1
    return name


def _call(caller: pluggy.HookCaller, arguments: Mapping[str, Any]) -> Any:
    results = caller(**arguments)
    return results[0] if results else None


def _checked(item: Any, kind: type[Any] | tuple[type[Any], ...]) -> Any:
    if not isinstance(item, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        raise TypeError(f"it returned {item!r}, which is no {' or '.join(each.__name__ for each in kinds)}")
    return item


def _of_plugin(name: str, finding: Finding) -> Finding:
    return replace(finding, code=f"{name}/{finding.code}")


def _named(error: BaseException) -> str:
    return one_line(f"{type(error).__name__}: {error}", 300).rstrip(".")


__all__ = ["BUILT_IN", "Kind", "PluginInfo", "Plugins", "load_plugins"]
