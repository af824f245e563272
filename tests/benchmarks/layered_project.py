"""A dbt project of any size, in layers, on DuckDB: what the benchmarks measure with.

    python tests/benchmarks/layered_project.py FOLDER --models 1000 [--dense]

Each model joins two or three of the layer below it; of five layers one is built as tables and one in ten models of
another is ephemeral. Every model and column has a description and every model a data test; one in ten has a test
that reads two models, and one in ten of the lowest layer a unit test. Seeds, snapshots, sources and exposures are one for each
hundred models.

Some nodes read tables that no dbt command makes: `raw.one` is read by one leaf, `raw.some` by half of the last layer (5 % of the models). While
such a table is missing they fail; creating it puts them right without touching a file of the project, so that dbt's
partial parsing finds nothing to do.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

WAREHOUSE = "warehouse.duckdb"
SWITCHES = ("one", "some")
_LAYERS, _PARENTS = 10, 2
# At 5,000 models, one has some 700 others above it.
_DENSE_LAYERS, _DENSE_PARENTS = 45, 3


@dataclass(frozen=True)
class Shape:
    """How large the project is, and how tightly knit."""

    models: int
    dense: bool = False

    @property
    def width(self) -> int:
        """Models of one layer."""
        layers = _DENSE_LAYERS if self.dense else _LAYERS
        return max(1, -(-self.models // layers))

    @property
    def parents(self) -> int:
        return _DENSE_PARENTS if self.dense else _PARENTS

    @property
    def hundreds(self) -> int:
        return max(1, self.models // 100)


def write_project(folder: Path, shape: Shape, *, threads: int = 4) -> None:
    """Write all files of the project; its profile is in the same folder."""
    for path, text in project_files(folder, shape, threads).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def project_files(folder: Path, shape: Shape, threads: int) -> Mapping[str, str]:
    settings = {
        "name": "layered",
        "version": "1.0",
        "profile": "layered",
        "flags": {"send_anonymous_usage_stats": False},
        "models": {"layered": {"+materialized": "view"}},
        "seeds": {"layered": {"+schema": "seeds"}},
    }
    output = {"type": "duckdb", "path": str(folder / WAREHOUSE), "threads": threads}
    return {
        "dbt_project.yml": json.dumps(settings),
        "profiles.yml": json.dumps({"layered": {"target": "dev", "outputs": {"dev": output}}}),
        **dict(_models(shape)),
        **dict(_properties(shape)),
        **{f"seeds/s{number}.csv": "id,value\n1,10\n2,20\n3,30\n" for number in range(shape.hundreds)},
        **{f"snapshots/p{number}.sql": _snapshot(number, shape) for number in range(shape.hundreds)},
        "models/others.yml": json.dumps(_others(shape)),
    }


def _models(shape: Shape) -> Iterator[tuple[str, str]]:
    for number in range(shape.models):
        yield f"models/layer_{number // shape.width}/m{number}.sql", _model(number, shape)


def _model(number: int, shape: Shape) -> str:
    layer, place = divmod(number, shape.width)
    if layer == 0:
        # Straight from the text of a source or seed, of which there is one for each hundred models.
        origin = number % shape.hundreds
        parents = [f"ref('s{origin}')" if number % 2 else f"source('raw', 'origin_{origin}')"]
    else:
        below = (layer - 1) * shape.width
        places = sorted({(place + step) % shape.width for step in range(shape.parents)})
        parents = [f"ref('m{below + place}')" for place in places]
    joined = " join ".join(
        f"{{{{ {parent} }}}} as p{at}" + (" using (id)" if at else "") for at, parent in enumerate(parents)
    )
    total = " + ".join(f"p{at}.value" for at in range(len(parents)))
    switch = _switch(number, shape)
    condition = f"\nwhere id in (select id from raw.{switch})" if switch else ""
    return f"{_config(number, shape)}select id, ({total}) % 1000 as value\nfrom {joined}{condition}\n"


def _switch(number: int, shape: Shape) -> str | None:
    if number == shape.models - 1:
        return "one"
    # Half of the last layer, which is a tenth of all: nothing else is skipped with them.
    return "some" if number >= shape.models - shape.width and number % 2 == 0 else None


def models_that_read(switch: str, shape: Shape) -> list[str]:
    """Return the names of the models that fail while a switch is missing."""
    return [f"m{number}" for number in range(shape.models) if _switch(number, shape) == switch]


def _config(number: int, shape: Shape) -> str:
    layer = number // shape.width
    if layer % 5 == 2:
        return "{{ config(materialized='table') }}\n"
    if layer % 5 == 3 and number % 10 == 3 and number < shape.models - shape.width:
        return "{{ config(materialized='ephemeral') }}\n"
    return ""


def _properties(shape: Shape) -> Iterator[tuple[str, str]]:
    for first in range(0, shape.models, 50):
        numbers = range(first, min(first + 50, shape.models))
        document = {
            "models": [_model_properties(number, shape) for number in numbers],
            "unit_tests": [_unit_test(number, shape) for number in numbers if _has_unit_test(number, shape)],
        }
        yield f"models/properties_{first}.yml", json.dumps(document)


def _model_properties(number: int, shape: Shape) -> Mapping[str, object]:
    tests: list[object] = ["not_null"]
    if number % 10 == 0 and number >= shape.width:
        parent = number - shape.width
        tests.append({"relationships": {"to": f"ref('m{parent}')", "field": "id"}})
    return {
        "name": f"m{number}",
        "description": f"Model {number} of a layered project, which adds up what stands below it. " * 3,
        "config": {"tags": [f"tag_{number % 7}"], "meta": {"owner": f"team {number % 5}"}},
        "columns": [
            {"name": "id", "description": "The key of all of them.", "data_tests": tests},
            {"name": "value", "description": "The sum of the values below, modulo 1000."},
        ],
    }


def _has_unit_test(number: int, shape: Shape) -> bool:
    """Those models of the lowest layer that read a seed."""
    return number < shape.width and number % 10 == 1


def _unit_test(number: int, shape: Shape) -> Mapping[str, object]:
    return {
        "name": f"adds_up_{number}",
        "model": f"m{number}",
        "given": [{"input": f"ref('s{number % shape.hundreds}')", "rows": [{"id": 1, "value": 1}]}],
        "expect": {"rows": [{"id": 1, "value": 1}]},
    }


def _snapshot(number: int, shape: Shape) -> str:
    model = (2 * shape.width + number) % shape.models
    config = "config(target_schema='snapshots', unique_key='id', strategy='check', check_cols=['value'])"
    return f"{{% snapshot p{number} %}}{{{{ {config} }}}}select * from {{{{ ref('m{model}') }}}}{{% endsnapshot %}}\n"


def _others(shape: Shape) -> Mapping[str, object]:
    owner = {"name": "team", "email": "team@example.com"}
    return {
        "sources": [
            {
                "name": "raw",
                "schema": "raw",
                "tables": [
                    {"name": f"origin_{number}", "description": "Made by no dbt command."}
                    for number in range(shape.hundreds)
                ],
            }
        ],
        "exposures": [
            {"name": f"board_{n}", "type": "dashboard", "owner": owner, "depends_on": [f"ref('m{n}')"]}
            for n in range(shape.hundreds)
        ],
    }


def prepare_warehouse(folder: Path, shape: Shape, *, missing: str | None) -> None:
    """Make what is in the warehouse before dbt is: the sources, and the switches.

    Args:
        folder: The project.
        shape: Its size.
        missing: The switch that is left out; the nodes that read it will fail.
    """
    statements = ["create schema if not exists raw"]
    rows = "(values (1, 10), (2, 20), (3, 30)) as t(id, value)"
    statements += [f"create table raw.origin_{number} as select * from {rows}" for number in range(shape.hundreds)]
    statements += [f"create table raw.{switch} as select * from {rows}" for switch in SWITCHES if switch != missing]
    _execute(folder, statements)


def put_right(folder: Path, switch: str) -> None:
    """Create the table that the failed nodes read."""
    _execute(folder, [f"create table raw.{switch} as select * from (values (1), (2), (3)) as t(id)"])


def _execute(folder: Path, statements: list[str]) -> None:
    import duckdb

    with duckdb.connect(str(folder / WAREHOUSE)) as connection:
        for statement in statements:
            connection.execute(statement)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a layered dbt project on DuckDB.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--dense", action="store_true")
    arguments = parser.parse_args()
    shape = Shape(arguments.models, arguments.dense)
    write_project(arguments.folder.resolve(), shape)
    prepare_warehouse(arguments.folder.resolve(), shape, missing=SWITCHES[0])


if __name__ == "__main__":
    main()
