"""The `graph` of Jinja is built when it is first looked into, whichever way that is, and then is dbt's."""

from __future__ import annotations

import copy
import json
import pickle
import pprint
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import yaml
from dbt.contracts.graph.manifest import Manifest
from dbt_common.clients.jinja import get_environment

from dbt_retry_plus.dbtcore.fast.jinja_graph import JINJA_GRAPH
from dbt_retry_plus.dbtcore.running import dbt_minor

BUILD = Manifest.build_flat_graph
MINOR = dbt_minor()
pytestmark = pytest.mark.skipif(JINJA_GRAPH.obstacle(MINOR) is not None, reason="this dbt builds it on demand itself")

LOOKS: Mapping[str, Callable[[dict[str, Any]], Any]] = {
    "an item": lambda graph: graph["nodes"],
    "get": lambda graph: graph.get("nodes"),
    "iteration": list,
    "in reverse": lambda graph: list(reversed(graph)),
    "length": len,
    "truth": bool,
    "membership": lambda graph: "nodes" in graph,
    "a copy": dict,
    "its own copy": lambda graph: graph.copy(),
    "unpacked": lambda graph: {**graph},
    "as arguments": lambda graph: dict(**graph),
    "merged into": lambda graph: {"more": 1} | graph,
    "merged": lambda graph: graph | {"more": 1},
    "equality": lambda graph: graph == {"nodes": {}},
    "a shallow copy": copy.copy,
    "a deep copy": copy.deepcopy,
    "pickled": lambda graph: pickle.loads(pickle.dumps(graph)),
    "text": str,
    "JSON": json.dumps,
    "sorted JSON": lambda graph: json.dumps(graph, sort_keys=True),
    "YAML": yaml.safe_dump,
    "pretty": pprint.pformat,
    "taken out": lambda graph: (graph.pop("nodes"), sorted(graph)),
    "put in": lambda graph: (graph.update(more=1), sorted(graph)),
    "set by default": lambda graph: (graph.setdefault("nodes", 1), graph.setdefault("more", 1)),
    "deleted": lambda graph: (graph.__delitem__("nodes"), sorted(graph)),
    "cleared": lambda graph: (graph.clear(), sorted(graph)),
    "Jinja": lambda graph: rendered("{{ graph.nodes }} {{ graph is mapping }} {% for key in graph %}{{ key }}{% endfor %}", graph),
    "Jinja's filters": lambda graph: rendered("{{ graph | length }} {{ graph.items() | list }} {{ graph | dictsort }}", graph),
}  # fmt: skip


def rendered(text: str, graph: dict[str, Any]) -> str:
    answer: str = get_environment().from_string(text).render({"graph": graph})
    return answer


@pytest.fixture(name="manifest")
def manifest_of_a_retry() -> Iterator[Manifest]:
    with JINJA_GRAPH.enter():
        manifest = Manifest()
        manifest.build_flat_graph()
        yield manifest


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
def test_who_looks_sees_the_graph_that_dbt_builds(manifest: Manifest, look: Callable[[Any], Any]) -> None:
    assert look(manifest.flat_graph) == look(built_by_dbt())


def test_all_macros_look_at_one_graph(manifest: Manifest) -> None:
    one = manifest.flat_graph
    one.update(more=1)
    assert manifest.flat_graph["more"] == 1


def test_a_manifest_that_outlives_the_command_has_a_graph_of_dbts_own_kind() -> None:
    with JINJA_GRAPH.enter():
        looked_at, not_looked_at = Manifest(), Manifest()
        for manifest in (looked_at, not_looked_at):
            manifest.build_flat_graph()
        assert looked_at.flat_graph["nodes"] == {}
    assert type(looked_at.flat_graph) is dict and looked_at.flat_graph == built_by_dbt()
    assert type(not_looked_at.flat_graph) is dict and not not_looked_at.flat_graph


def test_a_manifest_that_had_a_graph_before_the_command_keeps_one() -> None:
    manifest = Manifest()
    manifest.build_flat_graph()
    with JINJA_GRAPH.enter():
        manifest.build_flat_graph()
        manifest.build_flat_graph()
    assert type(manifest.flat_graph) is dict and manifest.flat_graph == built_by_dbt()


def test_what_is_told_to_yaml_meanwhile_stays_told() -> None:
    class Told:
        """Of somebody else."""

    with JINJA_GRAPH.enter():
        yaml.SafeDumper.add_representer(Told, lambda dumper, _: dumper.represent_str("told"))
    try:
        assert yaml.safe_dump(Told()).startswith("told")
    finally:
        yaml.SafeDumper.yaml_representers.pop(Told)


def built_by_dbt() -> dict[str, Any]:
    """The graph of an empty project, by dbt's own function."""
    manifest = Manifest()
    BUILD(manifest)
    return manifest.flat_graph
