"""What changed in a project since an invocation, by dbt's own selector method `state`."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.state import PreviousState
from dbt.graph.selector_methods import StateSelectorMethod
from dbt_common.exceptions import DbtBaseException

from dbt_retry_plus.dbtcore.events import silenced_events
from dbt_retry_plus.types import ProjectInputs, StateComparison

_PARTS = ("body", "configs", "relation", "persisted_descriptions", "macros", "contract")
_INPUTS = "inputs"
_MANIFEST = "manifest.json"


def fingerprint(manifest: Manifest) -> str:
    """Return a text that two manifests share only if everything that they were made of is the same.

    That is each file with its checksum, and what dbt's partial parsing takes for a change of all files: vars,
    profile, project files and environment variables. A secret cannot be read off it.
    """
    check = manifest.state_check
    made_of = {
        "files": sorted((file_id, _checksum(file)) for file_id, file in manifest.files.items()),
        "vars": check.vars_hash.checksum,
        "profile": check.profile_hash.checksum,
        "project_env_vars": check.project_env_vars_hash.checksum,
        "profile_env_vars": check.profile_env_vars_hash.checksum,
        "projects": sorted((name, checksum.checksum) for name, checksum in check.project_hashes.items()),
        "env_vars": sorted(manifest.env_vars.items()),
        "dbt_version": manifest.metadata.dbt_version,
    }
    return hashlib.sha256(json.dumps(made_of, sort_keys=True, default=str).encode()).hexdigest()


def inputs_of(manifest: Manifest, project_variables: Mapping[str, Any], salt: str) -> ProjectInputs:
    """Return what can tell later which variables and packages are others than now.

    Args:
        manifest: dbt's manifest, as it was parsed.
        project_variables: The vars of `dbt_project.yml`, those of a package below its name.
        salt: Goes into the digests of the values, so that equal values in two records look different.
    """
    packages = {name: checksum.checksum for name, checksum in manifest.state_check.project_hashes.items()}
    variables: dict[str, list[Any]] = {}
    for name, value in project_variables.items():
        of_package = name in packages and isinstance(value, Mapping)
        for own_name, own_value in value.items() if of_package else [(name, value)]:
            variables.setdefault(str(own_name), []).append([name if of_package else None, own_value])
    return ProjectInputs(
        environment={name: _digest(salt, name, value) for name, value in manifest.env_vars.items()},
        packages=packages,
        variables={name: _digest(salt, name, values) for name, values in variables.items()},
    )


def _digest(salt: str, name: str, value: Any) -> str:
    return hashlib.sha256(f"{salt}\0{name}\0{json.dumps(value, default=str)}".encode()).hexdigest()


def compare(
    manifest: Manifest, recorded: Path, nodes: AbstractSet[str], changed: Mapping[str, tuple[str, ...]]
) -> StateComparison:
    """Compare today's project with a recorded manifest.

    Args:
        manifest: Today's manifest.
        recorded: The recorded `manifest.json`.
        nodes: The nodes to look at.
        changed: Nodes that are known to use something that changed, and what that is.
    """
    previous = _previous_state(recorded)
    if previous is None:
        return StateComparison(unknown=frozenset(nodes))
    before: Manifest = previous.manifest
    there, then = _nodes(manifest), _nodes(before)
    present = {unique_id for unique_id in nodes if unique_id in there}
    modified = _modified(manifest, previous, present & then.keys())
    for unique_id in sorted(present & changed.keys()):
        modified[unique_id] = (*modified.get(unique_id, ()), *changed[unique_id])
    inputs = _with_changed_inputs(manifest, previous, present - modified.keys(), changed.keys())
    modified.update(dict.fromkeys(sorted(inputs), (_INPUTS,)))
    gone = {unique_id for unique_id in nodes if unique_id in then and unique_id not in there}
    return StateComparison(
        modified=modified,
        added=frozenset(there.keys() - then.keys()),
        removed=frozenset(gone),
        renamed=_renamed(gone, then, there),
        added_parents=dict(_added_parents(modified, then, there)),
        disabled=frozenset(gone & manifest.disabled.keys()),
    )


def _checksum(file: Any) -> str:
    return str(file.checksum.checksum)


def _previous_state(recorded: Path) -> PreviousState | None:
    if not recorded.is_file():
        return None
    # PreviousState reads the results beside the manifest too, which takes long and is not needed.
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / _MANIFEST).symlink_to(recorded.resolve())
        try:
            with silenced_events():
                previous = PreviousState(Path(folder), Path(folder) / "target", Path(folder))
        except (DbtBaseException, ValueError, TypeError, KeyError, AttributeError):
            return None  # damaged, or of a schema that this version of dbt does not read
    return previous if previous.manifest is not None else None


def _nodes(manifest: Manifest) -> Mapping[str, Any]:
    return {**manifest.nodes, **manifest.sources, **manifest.unit_tests, **getattr(manifest, "functions", {})}


def _modified(manifest: Manifest, previous: PreviousState, nodes: set[str]) -> dict[str, tuple[str, ...]]:
    method = StateSelectorMethod(manifest, previous, [])
    changed = _search(method, nodes, "modified")
    parts = {part: _search(method, changed, f"modified.{part}") for part in _PARTS} if changed else {}
    return {unique_id: tuple(part for part in _PARTS if unique_id in parts[part]) for unique_id in sorted(changed)}


def _with_changed_inputs(
    manifest: Manifest, previous: PreviousState, nodes: AbstractSet[str], changed: AbstractSet[str]
) -> set[str]:
    """Nodes that are what they were, and whose SQL is another one: an ephemeral model or a source in it changed.

    To dbt's `state:modified` only those changed; a source has no outcome, and neither has an ephemeral model that
    was not selected.
    """
    there = _nodes(manifest)
    read = {unique_id: _read_in_place(unique_id, there) for unique_id in nodes}
    known = set().union(*read.values()) & _nodes(previous.manifest).keys()
    other = changed | _search(StateSelectorMethod(manifest, previous, []), known, "modified")
    return {unique_id for unique_id in nodes if read[unique_id] & other}


def _read_in_place(unique_id: str, there: Mapping[str, Any]) -> set[str]:
    """The sources and ephemeral models that go into the SQL of a node."""
    found: set[str] = set()
    waiting = [unique_id]
    while waiting:
        for parent in getattr(there[waiting.pop()], "depends_on_nodes", ()):
            node = there.get(parent)
            if node is None or parent in found:
                continue
            if getattr(node, "is_ephemeral_model", False):
                waiting.append(parent)
            elif node.resource_type != "source":
                continue
            found.add(parent)
    return found


def _search(method: StateSelectorMethod, nodes: set[str], selector: str) -> set[str]:
    if not nodes:
        return set()  # dbt's method stumbles over removed nodes then
    with silenced_events():
        try:
            return set(method.search(nodes, selector))
        except DbtBaseException:
            # A broken contract is an error to dbt; which node's it is, it says one node at a time.
            return {unique_id for unique_id in nodes if _matches(method, unique_id, selector)}


def _matches(method: StateSelectorMethod, unique_id: str, selector: str) -> bool:
    try:
        return unique_id in set(method.search({unique_id}, selector))
    except DbtBaseException:
        return True


def _renamed(gone: Iterable[str], then: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, str]:
    """Nodes that live on under another name: of the same kind, with the same content, and new."""
    new: dict[tuple[str, str], list[str]] = {}
    for unique_id in there.keys() - then.keys():
        new.setdefault(_content(there[unique_id]), []).append(unique_id)
    found = {unique_id: new.get(_content(then[unique_id]), []) for unique_id in gone}
    return {old: names[0] for old, names in found.items() if len(names) == 1 and _content(then[old])[1]}


def _content(node: Any) -> tuple[str, str]:
    checksum = getattr(node, "checksum", None)
    return str(node.resource_type), str(getattr(checksum, "checksum", "") or "")


def _added_parents(
    modified: Iterable[str], then: Mapping[str, Any], there: Mapping[str, Any]
) -> Iterable[tuple[str, tuple[str, ...]]]:
    for unique_id in modified:
        before = set(getattr(then[unique_id], "depends_on_nodes", ()))
        added = tuple(p for p in getattr(there[unique_id], "depends_on_nodes", ()) if p not in before)
        if added:
            yield unique_id, added
