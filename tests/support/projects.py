"""Copies of the projects in `integration_projects/`, to be run, broken and repaired by tests."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from tests.support.postgres import PostgresServer

PROJECTS = Path(__file__).resolve().parents[2] / "integration_projects"
DUCKDB_FILE = "warehouse.duckdb"
LEDGER = "retry_plus"
# What a person's own shell may hold, and what would make a test depend on it.
FOREIGN_VARIABLES = ("DBT_", "WAREHOUSE_")

Adapter = Literal["duckdb", "postgres"]


@dataclass(frozen=True)
class DbtProject:
    """A dbt project in a folder of its own, with a warehouse of its own.

    Attributes:
        folder: The project.
        adapter: The kind of warehouse.
        environment: All environment variables for processes that work on the project.
        server: The PostgreSQL server, when the warehouse is a database of it.
        database: The name of that database.
    """

    folder: Path
    adapter: Adapter
    environment: Mapping[str, str]
    server: PostgresServer | None = None
    database: str | None = None

    @property
    def target(self) -> Path:
        """The folder of dbt's artifacts."""
        return self.folder / "target"

    @property
    def duckdb_path(self) -> Path:
        """The file of the DuckDB warehouse."""
        return self.folder / DUCKDB_FILE

    def dbt(
        self,
        *arguments: str,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        exit_code: int | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run the dbt of the running environment, as a user does.

        Args:
            arguments: What follows `dbt` on the command line.
            folder: Where to start it; the project's folder unless told.
            environment: Variables on top of the project's own.
            exit_code: The exit code to insist on; any will do unless told.

        Returns:
            The ended process, with its standard output and error as text.
        """
        done = subprocess.run(
            [str(dbt_program()), *arguments],
            cwd=folder or self.folder,
            env={**self.environment, **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        if exit_code is not None and done.returncode != exit_code:
            raise AssertionError(
                f"dbt {' '.join(arguments)} ended with {done.returncode} and not {exit_code}:\n"
                f"{done.stdout}\n{done.stderr}"
            )
        return done

    def run_results(self) -> dict[str, Any]:
        """What `run_results.json` holds."""
        results: dict[str, Any] = json.loads((self.target / "run_results.json").read_text())
        return results

    def statuses(self) -> dict[str, str]:
        """The status of each unique id in `run_results.json`."""
        return {result["unique_id"]: result["status"] for result in self.run_results()["results"]}

    def set_switch(
        self,
        node: str,
        *,
        fail: bool = True,
        error: bool = False,
        seconds: float = 0,
        message: str | None = None,
    ) -> None:
        """Make a node fail, or be slow, from its next execution on.

        Args:
            node: The node's name; `on_run_start` and `on_run_end` for the hooks; the macro's for an operation.
            fail: A model, seed, snapshot, hook or operation raises an error; a test gets one more failure.
            error: Whatever it is, it raises an error of the database.
            seconds: How long it waits before it does anything.
            message: The text in the error, which must not be a number.
        """
        values = (node, fail, error, seconds, message or f"{node} was told to fail by control.switches")
        with self._cursor() as cursor:
            self._create_control_tables(cursor)
            cursor.execute(self._bound("delete from control.switches where node = ?"), (node,))
            cursor.execute(
                self._bound(
                    "insert into control.switches (node, fail, error, seconds, message) values (?, ?, ?, ?, ?)"
                ),
                values,
            )

    def clear_switches(self, *nodes: str) -> None:
        """Let nodes work as they should.

        Args:
            nodes: Their names; all nodes if none is named.
        """
        with self._cursor() as cursor:
            self._create_control_tables(cursor)
            if not nodes:
                cursor.execute("delete from control.switches")
            for node in nodes:
                cursor.execute(self._bound("delete from control.switches where node = ?"), (node,))

    def execute(self, sql: str) -> None:
        """Execute a statement in the warehouse.

        Args:
            sql: The statement.
        """
        with self._cursor() as cursor:
            cursor.execute(sql)

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """Execute a query in the warehouse.

        Args:
            sql: The query.

        Returns:
            Its rows.
        """
        with self._cursor() as cursor:
            cursor.execute(sql)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def relations(self) -> dict[str, int]:
        """The number of rows of each table and view, by `schema.name`, those of the switches left out."""
        names = self.fetch(
            "select table_schema, table_name from information_schema.tables "
            "where table_schema not in ('control', 'information_schema', 'pg_catalog') order by 1, 2"
        )
        return {
            f"{schema}.{name}": self.fetch(f'select count(*) from "{schema}"."{name}"')[0][0] for schema, name in names
        }

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text in a file of the project, as a person repairing it would.

        Args:
            path: The file, from the project's folder.
            old: What it must hold, once.
            new: What stands there afterwards.
        """
        file = self.folder / path
        text = file.read_text()
        assert text.count(old) == 1, f"{path} holds {old!r} {text.count(old)} times"
        file.write_text(text.replace(old, new))

    @contextlib.contextmanager
    def _cursor(self) -> Iterator[Any]:
        connection: Any
        if self.server is None:
            import duckdb

            connection = duckdb.connect(str(self.duckdb_path))
        else:
            assert self.database is not None
            connection = self.server.connect(self.database)
        with contextlib.closing(connection), contextlib.closing(connection.cursor()) as cursor:
            yield cursor

    def _create_control_tables(self, cursor: Any) -> None:
        macro = (self.folder / "dbt_packages/switches/macros/control_tables.sql").read_text()
        body = re.search(r"{% macro create_control_tables\(\) -%}(.*?){%- endmacro %}", macro, re.DOTALL)
        assert body is not None
        cursor.execute(body.group(1))

    def _bound(self, sql: str) -> str:
        return sql if self.server is None else sql.replace("?", "%s")


def dbt_program() -> Path:
    """The `dbt` of the running environment."""
    return Path(sys.executable).parent / "dbt"


def copy_project(
    name: str, destination: Path, adapter: Adapter = "duckdb", server: PostgresServer | None = None, threads: int = 4
) -> DbtProject:
    """Copy a project, with its local packages installed, and give it an empty warehouse.

    Args:
        name: The folder in `integration_projects/`.
        destination: The folder to make.
        adapter: The kind of warehouse.
        server: Where to make the database, for `postgres`.
        threads: How many nodes dbt may run at once.

    Returns:
        The copy.
    """
    source = PROJECTS / name
    shutil.copytree(
        source,
        destination,
        ignore=shutil.ignore_patterns("target", "logs", "dbt_packages", "*.duckdb*", "__pycache__", ".user.yml"),
    )
    for package in _local_packages(source):
        shutil.copytree(package, destination / "dbt_packages" / package.name)
    return _with_warehouse(destination, adapter, server, threads)


def copy_of(template: DbtProject, destination: Path) -> DbtProject:
    """Copy a DuckDB project as it is now, with its artifacts, ledger and warehouse.

    Args:
        template: A project that no process is working on.
        destination: The folder to make.

    Returns:
        The copy, in which nothing points at the template any more.
    """
    assert template.server is None, "a copied database would not be the one that the artifacts name"
    shutil.copytree(template.folder, destination, symlinks=True)
    # dbt keeps the path of the project in it, and would read seeds from there
    (destination / "target" / "partial_parse.msgpack").unlink(missing_ok=True)
    for folder in ("target", "logs"):
        for file in (destination / folder).rglob("*"):
            if file.is_file() and LEDGER not in file.parts:  # our own record trusts no path, and tells of changes to it
                content = file.read_bytes()
                moved = content.replace(os.fsencode(template.folder), os.fsencode(destination))
                if moved != content:
                    file.write_bytes(moved)
    return _with_warehouse(destination, "duckdb", None, int(template.environment["WAREHOUSE_THREADS"]))


def _local_packages(project: Path) -> Sequence[Path]:
    packages = project / "packages.yml"
    if not packages.exists():
        return []
    return [(project / path).resolve() for path in re.findall(r"- local: (\S+)", packages.read_text())]


def _with_warehouse(folder: Path, adapter: Adapter, server: PostgresServer | None, threads: int) -> DbtProject:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_VARIABLES)}
    # Python compiles dbt's two thousand modules anew in each process that may not keep the result.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment |= {"WAREHOUSE_TARGET": adapter, "WAREHOUSE_THREADS": str(threads), "DBT_USE_COLORS": "false"}
    if adapter == "duckdb":
        if tuple(map(int, version("duckdb").split(".")[:2])) < (1, 2):
            environment["WAREHOUSE_THREADS"] = "1"  # DuckDB 1.1 may crash as one thread closes
        return DbtProject(folder, adapter, environment)
    if server is None:
        raise ValueError("a project on PostgreSQL needs a server")
    database = server.create_database()
    environment |= {
        "WAREHOUSE_HOST": server.host,
        "WAREHOUSE_PORT": str(server.port),
        "WAREHOUSE_USER": server.user,
        "WAREHOUSE_DATABASE": database,
    }
    return DbtProject(folder, adapter, environment, server, database)
