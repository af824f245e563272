"""What dbt has built, as rows that can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

Relations = Mapping[str, tuple[str, ...]]


def relations_in(warehouse: Path) -> Relations:
    """Each relation of a warehouse, by `schema.name`."""
    import duckdb

    with closing(duckdb.connect(str(warehouse))) as connection:
        return dict(_described(connection))


def missing(nodes: Iterable[str], relations: Relations) -> frozenset[str]:
    """Those nodes of which there is no relation."""
    return frozenset(node for node in nodes if f"main.{node.split('.')[2]}" not in relations)


def _described(connection: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each relation that dbt built: its kind, columns and rows in no order.

    Left out are the columns in which a snapshot keeps the time of the run (only whether a row is the valid one is
    kept), and relations that dbt makes for a moment and a killed one leaves behind.
    """
    tables = connection.execute(
        "select table_name, table_type from information_schema.tables where table_schema = 'main' order by 1"
    ).fetchall()
    for name, kind in tables:
        if "__dbt_" in name:
            continue
        try:
            columns = [row[0] for row in connection.execute(f'describe main."{name}"').fetchall()]
            shown = [f'"{column}"' for column in columns if not column.startswith("dbt_")]
            if "dbt_valid_to" in columns:
                shown.append("dbt_valid_to is null")
            rows = sorted(map(str, connection.execute(f'select {", ".join(shown)} from main."{name}"').fetchall()))
        except Exception as error:  # a view over something that is gone
            columns, rows = [], [f"cannot be read: {type(error).__name__}"]
        yield f"main.{name}", (kind, ", ".join(columns), *rows)
