"""What dbt knows of the invocation that is running in this process, and how to listen to it."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import dbt.utils
import dbt.version
from dbt import selected_resources
from dbt.flags import get_flags
from dbt_common.events.event_manager_client import add_callback_to_manager, get_event_manager
from dbt_common.invocation import get_invocation_id

from dbt_retry_plus.dbtcore.command import command_setup


@dataclass(frozen=True)
class RunningInvocation:
    """The invocation of this process, as far as it is set up when dbt loads its plugins.

    Attributes:
        invocation_id: dbt's id of it.
        command: dbt's `which`.
        project_name: Name of the project.
        project_root: Its folder.
        target_path: The folder of its artifacts, absolute.
        profile_name: Name of the profile.
        target_name: Name of the target in it.
        adapter: Type of the target's adapter.
        schema: The schema that the target writes to.
        project_variables: The vars of `dbt_project.yml`.
        environment: What tells this target and its warehouse from others, on any machine.
    """

    invocation_id: str
    command: str
    project_name: str
    project_root: Path
    target_path: Path
    profile_name: str
    target_name: str
    adapter: str
    schema: str
    project_variables: Mapping[str, Any]
    environment: str


def running_invocation() -> RunningInvocation | None:
    """Return the invocation that dbt's command line is running; None outside of it."""
    setup = command_setup()
    if not setup.keys() >= {"project", "profile", "flags"}:
        return None
    profile, project = setup["profile"], setup["project"]
    root = Path(project.project_root)
    return RunningInvocation(
        invocation_id=get_invocation_id(),
        command=setup["flags"].WHICH,
        project_name=project.project_name,
        project_root=root,
        target_path=root / project.target_path,
        profile_name=profile.profile_name,
        target_name=profile.target_name,
        adapter=profile.credentials.type,
        schema=profile.credentials.schema,
        project_variables=project.vars.to_dict(),
        environment=environment_of(profile),
    )


def environment_of(profile: Any) -> str:
    """Return what tells a target and its warehouse from others: the target's name, and a digest of its connection.

    Args:
        profile: dbt's profile, or its configuration, which is one too.
    """
    credentials = profile.credentials
    try:
        field = str(credentials.unique_field)
    except Exception:  # an adapter that has none, or makes it of what is not set
        field = ""
    connection = json.dumps([credentials.type, field, str(credentials.database), str(credentials.schema)])
    return f"{profile.target_name}-{hashlib.sha256(connection.encode()).hexdigest()[:10]}"


def resolved_arguments() -> Mapping[str, Any]:
    """Return the arguments of the running command as dbt records them in `run_results.json`."""
    arguments: Mapping[str, Any] = dbt.utils.args_to_dict(get_flags())
    return arguments


def dbt_version() -> str:
    """Return the version of dbt-core."""
    return str(dbt.version.__version__)


def dbt_minor() -> str:
    """Return the minor version of dbt-core, as in `1.11`."""
    return ".".join(dbt_version().split(".")[:2])


def adapter_version(adapter: str) -> str | None:
    """Return the version of an adapter that is in use, if it tells one."""
    try:
        return str(importlib.import_module(f"dbt.adapters.{adapter}.__version__").version)
    except (ImportError, AttributeError):
        return None


def selected_now() -> list[Any]:
    """Return dbt's list of selected nodes: a new object each time a command has selected."""
    selected: list[Any] = selected_resources.SELECTED_RESOURCES
    return selected


def listen(callback: Callable[[Any], None]) -> None:
    """Call back with every event of this invocation, whatever its level."""
    add_callback_to_manager(callback)


def stop_listening(callback: Callable[[Any], None]) -> None:
    """Undo `listen`."""
    callbacks = get_event_manager().callbacks
    if callback in callbacks:
        callbacks.remove(callback)


def keep_in_command(name: str, value: object) -> None:
    """Keep something as long as the running command does; it goes with the command."""
    click.get_current_context().meta[name] = value


def kept_in_command(name: str) -> Any:
    """Return what was kept under a name in the running command; None where there is nothing."""
    context = click.get_current_context(silent=True)
    return context.meta.get(name) if context else None


def when_command_ends(callback: Callable[[], object]) -> None:
    """Call back when dbt is done with the running command, however it ended."""
    click.get_current_context().call_on_close(callback)
