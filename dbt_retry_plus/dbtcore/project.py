"""The project as the original command would have loaded it: configuration, manifest, catalogs."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import click
from dbt.cli import requires
from dbt.cli.flags import Flags
from dbt.config import RuntimeConfig
from dbt.config.runtime import load_profile
from dbt.contracts.graph.manifest import Manifest
from dbt.parser.manifest import write_manifest
from dbt.plugins import get_plugin_manager

from dbt_retry_plus.attempt_settings import RULE_NAMES
from dbt_retry_plus.dbtcore.command import command_setup
from dbt_retry_plus.dbtcore.running import adapter_version, dbt_version
from dbt_retry_plus.settings import node_settings
from dbt_retry_plus.types import Graph, GraphNode, Place

# The only command that parses without writing manifest.json first (`requires.manifest(write=False)`).
_PARSES_WITHOUT_WRITING = "generate"
_OWN_META = "retry_plus"


def load_config(flags: Flags) -> RuntimeConfig:
    """Load project and profile for these flags."""
    return RuntimeConfig.from_args(args=flags)


def default_target(flags: Flags) -> dict[str, str | None]:
    """Return the profile and target that dbt takes when none is named on the command line."""
    profile = load_profile(flags.PROJECT_DIR, flags.VARS, None, None, None)
    return {"profile": profile.profile_name, "target": profile.target_name}


def place_of(config: RuntimeConfig) -> Place:
    """Return where a configuration reads and writes, and with what."""
    credentials = config.credentials
    return Place(
        profile=config.profile_name,
        target=config.target_name,
        adapter=credentials.type,
        schema=credentials.schema,
        dbt_version=dbt_version(),
        adapter_version=adapter_version(credentials.type),
    )


def document_of(manifest: Manifest) -> dict[str, Any]:
    """Return what dbt would write to `manifest.json`."""
    document: dict[str, Any] = manifest.writable_manifest().to_dict(omit_none=False)
    return document


def load_manifest(flags: Flags, config: RuntimeConfig) -> tuple[Manifest, Any]:
    """Parse the project, with its catalogs registered as the original command registers them.

    `dbt retry` leaves the write integrations of `catalogs.yml` out, and parses although `dbtRunner` was given a
    manifest. No artifact is written yet: there may be nothing to retry.

    Returns:
        The manifest, and the catalogs where dbt's tasks take them (dbt-core 1.12), else None.
    """
    setup = {"flags": flags, "profile": config, "project": config, "runtime_config": config}
    if hasattr(requires, "catalogs"):  # dbt-core 1.10 and 1.11: a decorator of its own loads them
        from dbt.config.catalogs import load_catalogs

        setup["catalogs"] = load_catalogs(flags.PROJECT_DIR, config.project_name, flags.VARS)
    supplied = command_setup().get("manifest")
    if supplied is not None and not _holds_an_earlier_run(supplied):
        setup["manifest"] = supplied
    context = click.Context(click.Command(flags.WHICH), obj=setup)
    requires.manifest(write=False)(lambda _: None)(context)
    return context.obj["manifest"], context.obj.get("catalogs")


def _holds_an_earlier_run(manifest: Manifest) -> bool:
    """Whether nodes keep the code of ephemeral parents that an earlier command has put into them.

    `Compiler._recursively_prepend_ctes` puts it in once, so that a repaired parent would not be seen.
    """
    return any(getattr(node, "extra_ctes", None) for node in manifest.nodes.values())


def write_parsed_manifest(flags: Flags, config: RuntimeConfig, manifest: Manifest) -> None:
    """Write what dbt writes when a command has parsed: `manifest.json` and the artifacts of plugins."""
    if not flags.write_json or flags.WHICH == _PARSES_WITHOUT_WRITING:
        return
    write_manifest(manifest, config.project_target_path)
    artifacts = get_plugin_manager(config.project_name).get_manifest_artifacts(manifest)
    for path, artifact in artifacts.items():
        artifact.write(path)


def graph_of(manifest: Manifest) -> Graph:
    """Return today's project as planning sees it."""
    collections = (
        manifest.nodes,
        manifest.sources,
        manifest.unit_tests,
        manifest.exposures,
        manifest.saved_queries,
        getattr(manifest, "functions", {}),  # since dbt-core 1.11
    )
    return {unique_id: _graph_node(node) for nodes in collections for unique_id, node in nodes.items()}


def compiled_paths(manifest: Manifest, unique_ids: Iterable[str]) -> dict[str, str]:
    """Return where dbt has written the compiled SQL of nodes, from the project folder.

    Args:
        manifest: The manifest that they ran from.
        unique_ids: The nodes; those that were not compiled are left out.
    """
    found = ((u, manifest.nodes.get(u) or manifest.unit_tests.get(u)) for u in unique_ids)
    paths = ((unique_id, getattr(node, "compiled_path", None)) for unique_id, node in found)
    return {unique_id: str(path) for unique_id, path in paths if path}


def _graph_node(node: Any) -> GraphNode:
    return GraphNode(
        unique_id=node.unique_id,
        resource_type=str(node.resource_type),
        parents=tuple(getattr(node, "depends_on_nodes", ())),
        ephemeral=bool(node.is_ephemeral_model),
        **_own_settings(node),
    )


def _own_settings(node: Any) -> Mapping[str, Any]:
    # Before dbt-core 1.10 the config of a source has the meta of `dbt_project.yml` alone.
    of_config = (node.config.get("meta") if hasattr(node, "config") else None) or {}
    of_node = getattr(node, "meta", None) or {}
    if _OWN_META not in of_config and _OWN_META not in of_node:
        return {}
    meta = {**of_config, **of_node}
    values = dict(node_settings(f"{node.unique_id} ({node.original_file_path})", meta[_OWN_META]))
    of_attempts = {name: values.pop(name) for name in [*values] if name in RULE_NAMES}
    return {**values, "attempt_rules": of_attempts}


def task_arguments(task_class: type, catalogs: Any) -> dict[str, Any]:
    """Return the keywords that a task class takes beyond flags, config and manifest."""
    # Our own classes, which are mixed in before dbt's, hand on whatever they are given.
    begin = (vars(base)["__init__"] for base in task_class.__mro__ if "__init__" in vars(base))
    return {"catalogs": catalogs} if any("catalogs" in inspect.signature(each).parameters for each in begin) else {}
