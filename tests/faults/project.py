"""The project of the campaign on PostgreSQL, each of whose nodes tells the database that it runs, and stops at a gate there.

What counts is kept in sequences, which no rollback takes back; a gate is an advisory lock that a test may hold.
"""

from __future__ import annotations

from collections.abc import Mapping

DATABASE = "faults"
SCHEMA = "main"
ROLE = "analyst"  # superusers get connections that nobody else does

GATED = ("base", "hooked", "grown", "appended", "keyed", "kept", "stored")
"""The nodes that stop at a gate, in an order in which dbt may run them."""
APPENDED = "appended"
"""The one of which it would do harm if it was done twice."""
HOOKED = tuple(node for node in GATED if node != "stored")
"""Those that have hooks: dbt gives none to tests."""
COUNTED = (*HOOKED, "places", "side", "seen")
"""Those that count their executions in a hook, before anything else."""

CONTROL = (
    "create schema raw",
    "create table raw.places (id int, name text)",
    "insert into raw.places select n, 'place ' || n from generate_series(1, 5) as n",
    "create schema control",
    "create table control.marks (node text primary key, n int not null)",
    "create table control.failing (node text primary key)",
    "create table control.secret (id int)",
    *(f"create sequence control.{kind}_{node}" for node in {*GATED, *COUNTED} for kind in ("began", "reached")),
    *(
        f"insert into control.marks values ('{node}', 0), ('{node}, done', 0)"  # two rows of each, to be locked one by one
        for node in COUNTED
    ),
    """
    create function control.begins(node text) returns int language plpgsql as $$
    begin
      perform nextval(format('control.began_%s', node));
      update control.marks as m set n = m.n where m.node = begins.node;
      return 0;
    end $$
    """,
    """
    create function control.reaches(node text) returns int language plpgsql as $$
    begin
      perform nextval(format('control.reached_%s', node));
      if exists (select from control.failing as f where f.node = reaches.node) then
        raise exception 'made to fail' using errcode = 'P0001';
      end if;
      perform pg_advisory_lock_shared(hashtext(node));
      perform pg_advisory_unlock_shared(hashtext(node));
      return 0;
    end $$
    """,
    """
    create function control.ends(node text) returns int language plpgsql as $$
    begin
      update control.marks as m set n = m.n + 1 where m.node = ends.node || ', done';
      return 0;
    end $$
    """,
    f"grant usage on schema raw, control to {ROLE}",
    f"grant select on raw.places to {ROLE}",
    f"grant usage on all sequences in schema control to {ROLE}",
    f"grant select, update on control.marks to {ROLE}",
    f"grant select on control.failing to {ROLE}",
)
GROWTH = (
    "insert into raw.places select n, 'place ' || n from generate_series(6, 8) as n",
    "update raw.places set name = 'renamed' where id = 2",
)
"""What comes between a first build and the one that fails, in half of the cases."""

FILES: Mapping[str, str] = {
    "dbt_project.yml": """
        name: faults
        version: "1.0"
        config-version: 2
        profile: faults
        models:
          +materialized: table
          +pre-hook: "select control.begins('{{ this.identifier }}')"
          +post-hook: "select control.ends('{{ this.identifier }}')"
        seeds:
          +post-hook: "select control.begins('{{ this.identifier }}'), control.ends('{{ this.identifier }}')"
        snapshots:
          +pre-hook: "select control.begins('{{ this.identifier }}')"
          +post-hook: "select control.ends('{{ this.identifier }}')"
    """,
    "profiles.yml": """
        faults:
          target: dev
          outputs:
            dev:
              type: postgres
              host: "{{ env_var('WAREHOUSE_HOST') }}"
              port: "{{ env_var('WAREHOUSE_PORT') | int }}"
              user: analyst
              password: ""
              dbname: faults
              schema: main
              threads: 4
    """,
    "macros/reached.sql": """
        {% macro reached(node) %}(select control.reaches('{{ node }}')){% endmacro %}
    """,
    "seeds/places.csv": "id,kind\n1,town\n2,village",
    "models/sources.yml": """
        sources:
          - name: raw
            tables: [{name: places}]
    """,
    "models/base.sql": "select id, name, {{ reached('base') }} as reached from {{ source('raw', 'places') }}",
    "models/side.sql": "select id, kind from {{ ref('places') }}",
    "models/shared.sql": "{{ config(materialized='ephemeral') }} select id, name from {{ ref('base') }}",
    "models/hooked.sql": "select id, name, {{ reached('hooked') }} as reached from {{ ref('shared') }}",
    "models/seen.sql": "{{ config(materialized='view') }} select id, name from {{ ref('hooked') }}",
    "models/grown.sql": """
        {{ config(materialized='incremental', unique_key='id', incremental_strategy='delete+insert') }}
        select id, name, {{ reached('grown') }} as reached from {{ ref('shared') }}
        {% if is_incremental() %} where id > 3 {% endif %}
    """,
    "models/appended.sql": """
        {{ config(materialized='incremental', incremental_strategy='append') }}
        select id, name, {{ reached('appended') }} as reached from {{ ref('base') }}
        {% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}
    """,
    "models/keyed.sql": "select id, {{ reached('keyed') }} as reached from {{ ref('base') }}",
    "models/models.yml": """
        models:
          - name: base
            config: {contract: {enforced: true}}
            constraints: [{type: primary_key, columns: [id]}]
            columns:
              - {name: id, data_type: int, tests: [unique]}
              - {name: name, data_type: text}
              - {name: reached, data_type: int}
          - name: keyed
            config: {contract: {enforced: true}}
            columns:
              - name: id
                data_type: int
                constraints: [{type: not_null}, {type: foreign_key, expression: main.base (id)}]
              - {name: reached, data_type: int}
        unit_tests:
          - name: names_are_seen
            model: seen
            given: [{input: "ref('hooked')", rows: [{id: 1, name: x}]}]
            expect: {rows: [{id: 1, name: x}]}
    """,
    "snapshots/kept.sql": """
        {% snapshot kept %}
        {{ config(unique_key='id', strategy='check', check_cols=['name'], target_schema='main') }}
        select id, name, {{ reached('kept') }} as reached from {{ ref('base') }}
        {% endsnapshot %}
    """,
    "tests/stored.sql": """
        {{ config(store_failures=true) }}
        select id from {{ ref('grown') }} where {{ reached('stored') }} = 1
    """,
}


def unique_id(node: str) -> str:
    """The id of a node of the project."""
    kind = {"kept": "snapshot", "stored": "test", "places": "seed"}.get(node, "model")
    return f"{kind}.faults.{node}"
