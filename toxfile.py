"""Choose a Python for the tox environments `dbt18` to `dbt112` and `airflow2`, which carry none in their names.

Where the machine has several, each minor of dbt-core gets another one; where it has only one, that one, as
long as upstream supports the pair: no minor goes untested for want of a certain Python.
"""

import subprocess
import sys
from functools import cache

from tox.config.loader.memory import MemoryLoader
from tox.config.sets import EnvConfigSet
from tox.plugin import impl
from tox.session.state import State

PYTHONS_IN_ORDER_OF_PREFERENCE = {
    "dbt18": ("3.10", "3.11", "3.12"),
    "dbt19": ("3.11", "3.12", "3.10"),
    "dbt110": ("3.12", "3.11", "3.13", "3.10"),
    "dbt111": ("3.13", "3.12", "3.11", "3.10"),
    "dbt112": ("3.12", "3.11", "3.13", "3.10"),
    "airflow2": ("3.12", "3.11", "3.10"),
    "airflow3": ("3.12", "3.13", "3.11", "3.10"),
}


@impl
def tox_add_env_config(env_conf: EnvConfigSet, state: State) -> None:  # noqa: ARG001 -- tox passes it by name
    """Set `base_python` of an environment for one minor of dbt-core to the best that there is."""
    pythons = PYTHONS_IN_ORDER_OF_PREFERENCE.get(env_conf.name or "")
    if pythons:
        # With none of them here the first is left to uv, which may be able to fetch it.
        chosen = next(filter(_is_here, pythons), pythons[0])
        env_conf.loaders.insert(0, MemoryLoader(base_python=[f"python{chosen}"]))


@cache
def _is_here(version: str) -> bool:
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return True
    try:  # by running it: a name on PATH may be a shim with nothing behind it
        return subprocess.run([f"python{version}", "-c", ""], capture_output=True, check=False).returncode == 0
    except OSError:
        return False
