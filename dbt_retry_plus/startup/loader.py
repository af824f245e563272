"""The part of the import hook that only a process which imports dbt's command line needs."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from dbt_retry_plus.startup import DBT_CLI_MODULE, FAST_VARIABLE
from dbt_retry_plus.startup.registration import register

_COMMAND, _SCRIPT = "retry-plus", "dbt-retry-plus"
_FROZEN_BY_PYTHON = 1000  # Python 3.12 freezes some hundred objects of its own as it starts


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
        with _collecting_nothing():
            self._loader.exec_module(module)
        register(module)

    def __getattr__(self, name: str) -> Any:
        """Let the real loader answer."""
        if name == "_loader":  # absent while a copy or an unpickling is under way
            raise AttributeError(name)
        return getattr(self._loader, name)


@contextmanager
def _collecting_nothing() -> Iterator[None]:
    """Import dbt for our own command without garbage collection: what modules make lives until the end.

    The collector looks at it no sooner than it would have, since all of it counts as old afterwards. Other commands of
    dbt are left alone, as is who has settings of their own.
    """
    script, *words = getattr(sys, "argv", None) or [""]
    own = _COMMAND in words or Path(script).stem == _SCRIPT
    if not own or os.environ.get(FAST_VARIABLE) or not gc.isenabled() or gc.get_freeze_count() >= _FROZEN_BY_PYTHON:
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        gc.unfreeze()


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
