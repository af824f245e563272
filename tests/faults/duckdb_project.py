"""The project of the campaign on DuckDB: each node writes a file as it begins, and reads a table of another database."""

from __future__ import annotations

from collections.abc import Mapping

NODES = ("base", "hooked", "grown", "keyed", "kept", "fetched")
SQL_NODES = tuple(node for node in NODES if node != "fetched")

RAW = (
    "create schema raw",
    "create table raw.places as select n as id, 'place ' || n as name from generate_series(1, 5) as t(n)",
    "create table raw.switch as select false as conflicting",
    "create table raw.shared (node text, n int)",
)
GROWTH = (
    "insert into raw.places select n, 'place ' || n from generate_series(6, 8) as t(n)",
    "update raw.places set name = 'renamed' where id = 2",
)

_BEGINS = """
    - "copy (select 1) to '{{ env_var('PLACE') }}/began/{{ this.identifier }} {{ modules.datetime.datetime.now().timestamp() }}'"
    - "update raw.shared set n = n + (node = '{{ this.identifier }}')::int where (select conflicting from raw.switch)"
"""
_ATTACHED = "    - \"attach if not exists '{{ env_var('PLACE') }}/{{ this.identifier }}.duckdb' as other_{{ this.identifier }} (read_only)\"\n"

DUCKDB_FILES: Mapping[str, str] = {
    "dbt_project.yml": f"""
name: faults
version: "1.0"
config-version: 2
profile: faults
models:
  +materialized: table
  +pre-hook:{_BEGINS}{_ATTACHED}
snapshots:
  +pre-hook:{_BEGINS}{_ATTACHED}
""",
    "profiles.yml": """
        faults:
          target: dev
          outputs:
            dev:
              type: duckdb
              path: "{{ env_var('PLACE') }}/warehouse.duckdb"
              threads: 4
    """,
    "macros/read.sql": """
        {% macro read(relation) -%}
          {{ relation }} cross join other_{{ this.identifier }}.main.factors
          cross join read_csv('{{ env_var("PLACE") }}/{{ this.identifier }}.csv', header = true)
          cross join (select count(*) as counted from range(3000000))
        {%- endmacro %}
    """,
    "seeds/codes.csv": "id,kind\n1,town\n2,village",
    "models/sources.yml": """
        sources:
          - name: raw
            tables: [{name: places}]
    """,
    "models/base.sql": "select id, name, factors.factor from {{ read(source('raw', 'places')) }}",
    "models/side.sql": "select id, kind from {{ ref('codes') }}",
    "models/shared.sql": "{{ config(materialized='ephemeral') }} select id, name from {{ ref('base') }}",
    "models/hooked.sql": "select id, name, factors.factor from {{ read(ref('base')) }}",
    "models/seen.sql": "{{ config(materialized='view') }} select id, name from {{ ref('hooked') }}",
    "models/grown.sql": """
        {{ config(materialized='incremental', unique_key='id', incremental_strategy='delete+insert') }}
        select id, name, factors.factor from {{ read(ref('base')) }}
    """,
    "models/keyed.sql": "select id, factors.factor from {{ read(ref('shared')) }}",
    "models/models.yml": """
        models:
          - name: base
            columns: [{name: id, tests: [unique]}]
          - name: keyed
            config: {contract: {enforced: true}}
            columns:
              - {name: id, data_type: bigint, constraints: [{type: not_null}]}
              - {name: factor, data_type: integer}
    """,
    # In dbt's own process, by HTTP.
    "models/fetched.py": """
        import os
        import requests

        def model(dbt, session):
            dbt.ref("base")
            answer = requests.get(os.environ["SERVICE"] + "fetched", timeout=30)
            answer.raise_for_status()
            return session.sql(f"select {int(answer.text)} as answered")
    """,
    "snapshots/kept.sql": """
        {% snapshot kept %}
        {{ config(unique_key='id', strategy='check', check_cols=['name'], target_schema='main') }}
        select id, name, factors.factor from {{ read(ref('base')) }}
        {% endsnapshot %}
    """,
}
