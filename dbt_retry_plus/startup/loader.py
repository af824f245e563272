"""The part of the import hook that only a process which imports dbt's command line needs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from dbt_retry_plus.startup import DBT_CLI_MODULE
from dbt_retry_plus.startup.importing import importing_dbt
from dbt_retry_plus.startup.registration import register


class RegisteringLoader(Loader):
    """Loads dbt's command line with its real loader, steps back from the module, then registers.

    Whatever else is asked of it (source, resources, `is_package`) the real loader answers.
    """

    def __init__(self, loader: Loader) -> None:
        """Stand in for `loader` until the module is executed."""
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Create the module as the real loader does."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Execute the module with the real loader, leave no trace on it, add our commands."""
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        with importing_dbt():
            self._loader.exec_module(module)
        register(module)

    def __getattr__(self, name: str) -> Any:
        """Let the real loader answer."""
        if name == "_loader":  # absent while a copy or an unpickling is under way
            raise AttributeError(name)
        return getattr(self._loader, name)


def find_registering_spec(finder: object, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
    """Find dbt's command line with the finders behind `finder`, and let its loading end with registration.

    Only those behind are asked: the ones in front had their turn, so two hooks can never call each other in
    a circle.
    """
    spec = _spec_from_finders_behind(finder, path, target)
    if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
        return spec
    spec.loader = RegisteringLoader(spec.loader)
    return spec


def _spec_from_finders_behind(
    finder: object, path: Sequence[str] | None, target: ModuleType | None
) -> ModuleSpec | None:
    remaining = iter(tuple(sys.meta_path))
    for candidate in remaining:
        if candidate is finder:
            break
    for candidate in remaining:
        find_spec = getattr(candidate, "find_spec", None)
        spec: ModuleSpec | None = find_spec(DBT_CLI_MODULE, path, target) if find_spec else None
        if spec is not None:
            return spec
    return None
