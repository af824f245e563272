"""Which nodes use a var or an environment variable, as their code names it.

dbt compares code before it is rendered, so a node whose var has another value is the same to `state:modified`. A name
that is put together as the code runs (`var(prefix ~ 'name')`) cannot be found here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from dbt.contracts.graph.manifest import Manifest

VARS, ENVIRONMENT = "vars", "environment"


def users_of(
    manifest: Manifest, variables: AbstractSet[str], environment: AbstractSet[str]
) -> Mapping[str, tuple[str, ...]]:
    """Return the nodes whose code, settings or macros name one of some variables, and of which kind it is.

    Args:
        manifest: Today's manifest.
        variables: Names of vars.
        environment: Names of environment variables.
    """
    found: dict[str, tuple[str, ...]] = {}
    calls = ((VARS, r"var(?:\.has_var)?", variables), (ENVIRONMENT, "env_var", environment))
    for kind, function, names in calls:
        if names:
            pattern = re.compile(rf"\b{function}\s*\(\s*(['\"])(?:{'|'.join(map(re.escape, sorted(names)))})\1")
            macros = _macros_that_name(pattern, manifest)
            for unique_id, node in manifest.nodes.items():
                if macros.intersection(node.depends_on_macros) or pattern.search(_code_of(node)):
                    found[unique_id] = (*found.get(unique_id, ()), kind)
    return found


def _macros_that_name(pattern: re.Pattern[str], manifest: Manifest) -> set[str]:
    """Those that do, and those that call them, at any distance."""
    callers: dict[str, list[str]] = {}
    for unique_id, macro in manifest.macros.items():
        for called in macro.depends_on.macros:
            callers.setdefault(called, []).append(unique_id)
    waiting = [unique_id for unique_id, macro in manifest.macros.items() if pattern.search(macro.macro_sql)]
    found = set(waiting)
    while waiting:
        new = set(callers.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found


def _code_of(node: Any) -> str:
    """What dbt renders of a node when it runs, besides its macros."""
    hooks: Iterable[Any] = (*getattr(node.config, "pre_hook", ()), *getattr(node.config, "post_hook", ()))
    settings = str(getattr(node, "unrendered_config", ""))
    return "\n".join([str(getattr(node, "raw_code", "")), settings, *(str(hook.sql) for hook in hooks)])
