"""What the tests need of a warehouse: make raw data, look at what dbt built, put an earlier state back."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.support.postgres import PostgresServer


@dataclass(frozen=True)
class Relation:
    kind: str
    columns: tuple[str, ...]
    row_count: int
    rows: str
    """A digest of the rows, whatever their order, without the columns that hold the time of a run."""


class Warehouse(Protocol):
    def profile_output(self) -> Mapping[str, Any]:
        """The target of profiles.yml that reaches this warehouse."""
        ...

    def reset(self) -> None: ...

    def execute(self, statements: Sequence[str]) -> None: ...

    def relations(self) -> Mapping[str, Relation]: ...

    def save(self, folder: Path) -> None: ...

    def restore(self, folder: Path) -> None: ...


COLUMNS_QUERY = """
    select table_schema, table_name, column_name, data_type
    from information_schema.columns
    where table_schema not in ('information_schema', 'pg_catalog')
    order by table_schema, table_name, ordinal_position
"""
KINDS_QUERY = """
    select table_schema, table_name, table_type
    from information_schema.tables
    where table_schema not in ('information_schema', 'pg_catalog')
"""
TIME_TYPES = ("timestamp", "date", "time")
BOOKKEEPING_PREFIX = "dbt_"
"""Snapshots hash the time of the run into columns with this prefix."""


def describe_relations(query: Any) -> dict[str, Relation]:
    """`query` takes SQL and gives its rows; both warehouses of the tests have an information_schema."""
    columns: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for schema, name, column, data_type in query(COLUMNS_QUERY):
        columns.setdefault((schema, name), []).append((column, data_type.lower()))
    described = {}
    for schema, name, kind in query(KINDS_QUERY):
        own_columns = columns.get((schema, name), [])
        steady = [
            f'"{column}"'
            for column, data_type in own_columns
            if not data_type.startswith(TIME_TYPES) and not column.startswith(BOOKKEEPING_PREFIX)
        ]
        try:
            rows = sorted(str(row) for row in query(f'select {", ".join(steady) or 1} from "{schema}"."{name}"'))
        except Exception as error:  # a view over something that is gone is a state worth comparing too
            rows = [f"cannot be read: {type(error).__name__}"]
        described[f"{schema}.{name}"] = Relation(
            kind=kind,
            columns=tuple(f"{column} {data_type}" for column, data_type in own_columns),
            row_count=len(rows),
            rows="; ".join(rows),
        )
    return described


@dataclass(frozen=True)
class DuckDB:
    file: Path

    def profile_output(self) -> Mapping[str, Any]:
        return {"type": "duckdb", "path": str(self.file), "threads": 1}

    def reset(self) -> None:
        self.file.unlink(missing_ok=True)
        self.file.with_suffix(".duckdb.wal").unlink(missing_ok=True)

    def execute(self, statements: Sequence[str]) -> None:
        import duckdb

        with duckdb.connect(str(self.file)) as connection:
            for statement in statements:
                connection.execute(statement)

    def relations(self) -> Mapping[str, Relation]:
        import duckdb

        if not self.file.exists():
            return {}
        with duckdb.connect(str(self.file), read_only=True) as connection:
            return describe_relations(lambda sql: connection.execute(sql).fetchall())

    def save(self, folder: Path) -> None:
        if self.file.exists():
            shutil.copy2(self.file, folder / self.file.name)

    def restore(self, folder: Path) -> None:
        self.reset()
        if (folder / self.file.name).exists():
            shutil.copy2(folder / self.file.name, self.file)


@dataclass(frozen=True)
class Postgres:
    """A database of a server. Kept states are databases too, since PostgreSQL copies one quickly."""

    server: PostgresServer
    database: str

    def profile_output(self) -> Mapping[str, Any]:
        return {
            "type": "postgres",
            "host": self.server.host,
            "port": int(self.server.port),
            "user": self.server.user,
            "password": "",
            "dbname": self.database,
            "schema": "main",
            "threads": 1,
        }

    def reset(self) -> None:
        self._copy("template0", self.database)

    def execute(self, statements: Sequence[str]) -> None:
        with closing(self.server.connect(self.database)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def relations(self) -> Mapping[str, Relation]:
        with closing(self.server.connect(self.database)) as connection, connection.cursor() as cursor:

            def query(sql: str) -> list[tuple[Any, ...]]:
                cursor.execute(sql)
                rows: list[tuple[Any, ...]] = cursor.fetchall()
                return rows

            return describe_relations(query)

    def save(self, folder: Path) -> None:
        self._copy(self.database, f"{self.database}_{folder.name}")

    def restore(self, folder: Path) -> None:
        self._copy(f"{self.database}_{folder.name}", self.database)

    def _copy(self, source: str, destination: str) -> None:
        with closing(self.server.connect("postgres")) as connection, connection.cursor() as cursor:
            cursor.execute(f'drop database if exists "{destination}" with (force)')
            cursor.execute(f'create database "{destination}" template "{source}"')
