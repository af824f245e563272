"""Where the ledger of a project is, for commands that do not start dbt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.settings import ledger_folder, read_settings

PROJECT_FILE = "dbt_project.yml"
_DEFAULT_TARGET_PATH = "target"

# dbt-core 1.11 began to call its variables DBT_ENGINE_*; both names are heard.
_TARGET_PATH_VARIABLES = ("DBT_ENGINE_TARGET_PATH", "DBT_TARGET_PATH")
_PROJECT_DIR_VARIABLES = ("DBT_ENGINE_PROJECT_DIR", "DBT_PROJECT_DIR")

_ENV_VAR = re.compile(r"""^\{\{\s*env_var\(\s*(['"])(\w+)\1\s*(?:,\s*(['"])(.*?)\3\s*)?\)\s*\}\}$""")


def find_ledger(project_dir: str | None, target_path: str | None, environment: Mapping[str, str]) -> LocalLedger:
    """Find the ledger as dbt would find the target folder.

    Args:
        project_dir: `--project-dir`.
        target_path: `--target-path`.
        environment: The variables of the environment.

    Raises:
        RetryRefusedError: There is no project, or its target folder can only be told by dbt.
    """
    root = find_project(project_dir, environment)
    target = target_path or _first(_TARGET_PATH_VARIABLES, environment) or _target_path_of(root, environment)
    return LocalLedger(ledger_folder(read_settings(root, environment), root, root / target))


def find_project(project_dir: str | None, environment: Mapping[str, str]) -> Path:
    """Find the folder of the project as dbt would.

    Args:
        project_dir: `--project-dir`.
        environment: The variables of the environment.

    Raises:
        RetryRefusedError: There is no project.
    """
    return _project_root(project_dir or _first(_PROJECT_DIR_VARIABLES, environment))


def _project_root(named: str | None) -> Path:
    start = Path(named) if named else Path.cwd()
    if named and not (start / PROJECT_FILE).is_file():
        raise RetryRefusedError(f"There is no {PROJECT_FILE} in '{start}'. Name the project with --project-dir.")
    for folder in (start, *start.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder.resolve()
    raise RetryRefusedError(
        f"There is no {PROJECT_FILE} in '{start}' or above it. Name the project with --project-dir."
    )


def project_name(root: Path) -> str:
    """Return the name of a project.

    Raises:
        RetryRefusedError: Its file cannot be read, or has none.
    """
    name = _project(root).get("name")
    if not isinstance(name, str) or not name:
        raise RetryRefusedError(f"'{root / PROJECT_FILE}' has no name. Give it one.")
    return name


def _target_path_of(root: Path, environment: Mapping[str, str]) -> str:
    value = _project(root).get("target-path")
    return _rendered(str(value), environment, root / PROJECT_FILE) if value else _DEFAULT_TARGET_PATH


def _project(root: Path) -> Mapping[str, Any]:
    import yaml

    path = root / PROJECT_FILE
    try:
        project = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except (OSError, ValueError, yaml.YAMLError) as error:
        where = " ".join(str(error).split())
        raise RetryRefusedError(f"Could not read '{path}' ({where}). Mend it, or give --target-path.") from None
    return project if isinstance(project, dict) else {}


def _rendered(value: str, environment: Mapping[str, str], path: Path) -> str:
    if "{{" not in value and "{%" not in value:
        return value
    call = _ENV_VAR.match(value.strip())
    found = environment.get(call[2], call[4]) if call else None
    if found is None:
        raise RetryRefusedError(f"'{path}' computes its target-path ({value!r}). Give --target-path.")
    return found


def _first(names: tuple[str, ...], environment: Mapping[str, str]) -> str | None:
    return next((environment[name] for name in names if environment.get(name)), None)
