"""A random project as data, and the files and raw tables that it is made of.

Every model gives `id` and `v`, and `v` depends on the node's own number and on all that is above it: a node that was
not built from what it has now shows in its rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tests.support.invocations import dbt_version

PACKAGE = "shop"
SEED, SNAPSHOT, EPHEMERAL, MICROBATCH, EVENTS = "seed", "snapshot", "ephemeral", "microbatch", "events"
TABLE, VIEW = "table", "view"
BY_KEY, BY_NEWEST = "incremental by key", "incremental by newest"
"""Both come to the same rows when they run twice over the same input: what ran and what ran again can be compared."""

# How a node may be broken. The first three are repaired in the code, the others in the warehouse.
BAD_SQL, BAD_JINJA, NULL_ID, BAD_CELL = "bad sql", "bad jinja", "null id", "bad cell"
LATE, BAD_DATA, BAD_BATCH = "late table", "bad data", "bad batch"


@dataclass(frozen=True)
class Node:
    """A model, seed or snapshot.

    Attributes:
        name: Its name, and that of its file.
        kind: How it is materialised.
        parents: Names of the nodes that it reads; without any, it reads the raw data.
        number: What it adds to `v`.
        flaw: What is wrong with its code now.
        raw: A raw table of its own, which comes late or holds bad data at first.
        extra: Further text in its configuration.
        uses: What else of the project goes into its code: "var", "macro".
        comment: A remark in its code.
    """

    name: str
    kind: str
    parents: tuple[str, ...] = ()
    number: int = 0
    tags: tuple[str, ...] = ()
    folder: str = "core"
    flaw: str | None = None
    raw: str | None = None
    extra: str = ""
    uses: str | None = None
    comment: str = ""

    @property
    def path(self) -> str:
        if self.kind == SEED:
            return f"seeds/{self.name}.csv"
        return f"{'snapshots' if self.kind == SNAPSHOT else f'models/{self.folder}'}/{self.name}.sql"


@dataclass(frozen=True)
class Test:
    """A data test: a singular one, or a generic one on `id`."""

    __test__ = False  # no test of pytest's

    name: str
    kind: str
    nodes: tuple[str, ...]
    flaw: bool = False
    warns: bool = False
    comment: str = ""


@dataclass(frozen=True)
class UnitTest:
    """A unit test, which expects what its model's code gives, unless it is wrong."""

    name: str
    model: str
    flaw: bool = False


@dataclass(frozen=True)
class Project:
    """All of it, as it is at one moment."""

    nodes: tuple[Node, ...]
    tests: tuple[Test, ...] = ()
    unit_tests: tuple[UnitTest, ...] = ()
    hooks: Mapping[str, str] | None = None
    exposed: str | None = None
    macro_number: int = 0
    var: int = 0
    source_table: str = "base"
    selector: Mapping[str, object] | None = None
    unparsable: bool = False

    def node(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)

    def with_node(self, changed: Node) -> Project:
        return replace(self, nodes=tuple(changed if node.name == changed.name else node for node in self.nodes))

    def children(self, name: str) -> list[str]:
        return [node.name for node in self.nodes if name in node.parents]


def files_of(project: Project) -> Mapping[str, str]:
    """The files, by their path from the project's folder."""
    written = {
        "dbt_project.yml": _settings(project),
        "macros/plus.sql": f"{{% macro plus() %}} + {project.macro_number} {{% endmacro %}}",
        "models/schema.yml": json.dumps(_properties(project), indent=1),
        **{node.path: text_of(node, project) for node in project.nodes},
        **{f"tests/{test.name}.sql": _singular(test, project) for test in project.tests if test.kind == "singular"},
    }
    if project.selector:
        written["selectors.yml"] = json.dumps({"selectors": [{"name": "chosen", "definition": project.selector}]})
    if project.unparsable:
        written["models/core/unparsable.sql"] = "select * from {{ ref('nowhere_at_all') }}"
    return written


def _settings(project: Project) -> str:
    settings: dict[str, object] = {
        "name": PACKAGE,
        "version": "1.0",
        "profile": PACKAGE,
        "config-version": 2,
        "flags": {"send_anonymous_usage_stats": False},
        **(project.hooks or {}),
    }
    if project.var:
        settings["vars"] = {"offset": project.var}
    return json.dumps(settings, indent=1)


def text_of(node: Node, project: Project) -> str:
    """What stands in the node's file."""
    if node.kind == SEED:
        rows = [f"{number},{number + node.number}" for number in (1, 2, 3, 4)]
        return "\n".join(["id,v", *rows, *(["5,five"] if node.flaw == BAD_CELL else [])]) + "\n"
    body = _body(node, project)
    if node.flaw == BAD_JINJA:
        body += "\n{% if execute %}{{ exceptions.raise_compiler_error('broken on purpose') }}{% endif %}"
    if node.comment:
        body += f"\n-- {node.comment}"
    if node.kind == SNAPSHOT:
        return f"{{% snapshot {node.name} %}}\n{_config(node)}\n{body}\n{{% endsnapshot %}}\n"
    return f"{_config(node)}\n{body}\n"


_MATERIALIZED = {
    VIEW: "materialized='view'",
    TABLE: "materialized='table'",
    EPHEMERAL: "materialized='ephemeral'",
    EVENTS: "materialized='table', event_time='happened_at'",
    BY_KEY: "materialized='incremental', unique_key='id'",
    BY_NEWEST: "materialized='incremental'",
    MICROBATCH: "materialized='incremental', incremental_strategy='microbatch', event_time='happened_at', "
    "batch_size='year', begin='2023-01-01'",
    SNAPSHOT: "target_schema='main', unique_key='id', strategy='check', check_cols=['v']",
}


def _config(node: Node) -> str:
    tags = f", tags={list(node.tags)}" if node.tags else ""
    # Before dbt-core 1.11, batches wait for ever for threads that are all taken by models that wait for batches.
    alone = ", concurrent_batches=false" if node.kind == MICROBATCH and dbt_version() < (1, 11) else ""
    return f"{{{{ config({_MATERIALIZED[node.kind]}{alone}{tags}{node.extra}) }}}}"


def _body(node: Node, project: Project) -> str:
    if node.kind in (EVENTS, MICROBATCH):
        read = f"{{{{ ref('{node.parents[0]}') }}}}" if node.parents else f"{{{{ source('raw', '{node.raw}') }}}}"
        return f"select id, cast(v as integer) + {node.number} as v, happened_at from {read}"
    aliases = [f"t{position}" for position in range(len(node.parents) or 1)]
    value = " + ".join(f"{alias}.v" for alias in aliases) + f" + {node.number}"
    if node.uses == "var":
        value += " + {{ var('offset', 0) }}"
    elif node.uses == "macro":
        value += " {{ plus() }}"
    identity = "t0.id"
    if node.flaw == NULL_ID:
        identity = "nullif(t0.id, 3)"
    elif node.raw == BAD_DATA:
        identity = "nullif(t0.id, own.bad)"
    columns = [f"{identity} as id", f"{value} as v", *(["no_such_column"] if node.flaw == BAD_SQL else [])]
    tables = " ".join(
        f"{'from' if position == 0 else 'join'} {_read(parent, project)} as t{position}"
        + (f" on t{position}.id = t0.id" if position else "")
        for position, parent in enumerate(node.parents or (None,))
    )
    sql = f"select {', '.join(columns)} {tables}"
    if node.raw:
        sql += f" cross join {raw_table(node)} as own"
    if node.kind == BY_NEWEST:
        sql += "\n{% if is_incremental() %} where t0.id > (select coalesce(max(id), 0) from {{ this }}) {% endif %}"
    return sql


def _read(parent: str | None, project: Project) -> str:
    if parent is None:
        return "{{ source('raw', 'base') }}"
    read = f"{{{{ ref('{parent}') }}}}"
    if project.node(parent).kind == SNAPSHOT:
        return f"(select * from {read} where dbt_valid_to is null)"
    return read


def raw_table(node: Node) -> str:
    """The raw table of a node's own, which it names without a source."""
    return f"raw.own_{node.name}"


def _properties(project: Project) -> dict[str, object]:
    tables: list[object] = [{"name": "base", "identifier": project.source_table}]
    tables += [
        {"name": node.raw, "config": {"event_time": "happened_at"}}
        for node in project.nodes
        if node.kind in (EVENTS, MICROBATCH) and node.raw
    ]
    described: dict[str, list[object]] = {"models": [], "seeds": [], "snapshots": []}
    for node in project.nodes:
        tests = [_generic(test) for test in project.tests if test.kind != "singular" and test.nodes == (node.name,)]
        entry: dict[str, object] = {"name": node.name}
        if tests:
            entry["columns"] = [{"name": "id", "data_tests": tests}]
        if node.kind == SEED:
            entry["config"] = {"column_types": {"id": "integer", "v": "integer"}, "tags": list(node.tags)}
        key = {SEED: "seeds", SNAPSHOT: "snapshots"}.get(node.kind, "models")
        if len(entry) > 1:
            described[key].append(entry)
    properties: dict[str, object] = {"version": 2, "sources": [{"name": "raw", "tables": tables}]}
    properties |= {key: entries for key, entries in described.items() if entries}
    if project.unit_tests:
        properties["unit_tests"] = [_unit_test(test, project) for test in project.unit_tests]
    if project.exposed:
        owner = {"name": "Ada", "email": "ada@example.com"}
        depends_on = [f"ref('{project.exposed}')"]
        properties["exposures"] = [{"name": "board", "type": "dashboard", "owner": owner, "depends_on": depends_on}]
    return properties


def _generic(test: Test) -> object:
    return {test.kind: {"name": test.name, "config": {"severity": "warn" if test.warns else "error"}}}


def _singular(test: Test, project: Project) -> str:
    read = " union all ".join(f"select id, v from {_read(name, project)} as t" for name in test.nodes)
    severity = "{{ config(severity='warn') }}\n" if test.warns else ""
    condition = "true" if test.flaw else "v < -1000000"
    return f"{severity}select * from ({read}) as u where {condition}\n-- {test.comment}\n"


def _unit_test(test: UnitTest, project: Project) -> dict[str, object]:
    model = project.node(test.model)
    reads = [f"ref('{name}')" for name in model.parents] or ["source('raw', 'base')"]
    expected = 10 * len(reads) + model.number + (project.macro_number if model.uses == "macro" else 0)
    return {
        "name": test.name,
        "model": test.model,
        "given": [{"input": read, "rows": [{"id": 1, "v": 10}]} for read in reads],
        "expect": {"rows": [{"id": 1, "v": expected + (1 if test.flaw else 0)}]},
    }
