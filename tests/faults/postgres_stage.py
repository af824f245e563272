"""Where the cases on PostgreSQL run: a project in a folder of its own, a database of its own, put back for each case."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.faults.case import Case
from tests.faults.postgres_faults import POSTGRES_FAULTS
from tests.faults.project import CONTROL, COUNTED, DATABASE, FILES, GROWTH, ROLE
from tests.faults.ran import Ran, Relations
from tests.faults.scene import PostgresScene, journals
from tests.faults.stage import PATIENT, Stage
from tests.support.invocations import Dbt, Invocation, Starter, tool_environment
from tests.support.postgres import PostgresServer, running_postgres, wait_until_ready
from tests.support.proxy import HOST, Proxy
from tests.support.warehouses import describe_relations

# Few connections, since a fault takes all; and what is committed is there after a crash.
SETTINGS = ("max_connections=25", "synchronous_commit=on")
_OWN_SCHEMAS = ("control.", "raw.")


@contextlib.contextmanager
def postgres_stage(root: Path, start: Starter) -> Iterator[PostgresStage]:
    """Start a server, and a proxy before it."""
    with running_postgres(*SETTINGS) as server:
        proxy = Proxy(f"{server.host}/.s.PGSQL.{server.port}")
        try:
            yield PostgresStage(root, start, server, proxy)
        finally:
            proxy.close()


class PostgresStage(Stage):
    """The folder and the database in which every case of a test process is set up."""

    def __init__(self, root: Path, start: Starter, server: PostgresServer, proxy: Proxy) -> None:
        super().__init__(root / "stage" / "project")
        self._root = root
        self._start = start
        self._server = server
        self._proxy = proxy
        self._execute("postgres", f"create role {ROLE} login")

    def run(self, case: Case) -> Ran:
        """Run a case."""
        fault = POSTGRES_FAULTS[case.fault]
        wait_until_ready(self._server)
        self._prepare(case.state)
        self._restore(f"{case.state}_failed")
        self._proxy.obey()
        scene = PostgresScene(case, self._project, journals(self._project), self._server, self._proxy)
        fault.prepare(scene)
        before = self._counts(scene)
        options = (*PATIENT, *fault.arguments, "--threads", str(case.threads))
        with scene.meddling(fault.meddle):
            invocation = self._dbt("retry-plus", *options, proxied=fault.through_proxy)
        self._proxy.obey()
        wait_until_ready(self._server)
        after = self._counts(scene)
        moved = {key: after[key] - before[key] for key in after}
        return Ran(
            case,
            fault,
            invocation,
            self._first[case.state],
            scene.journal(),
            self._relations(),
            self._expected[case.state],
            {node: moved["began", node] for node in COUNTED} | {"stored": moved["reached", "stored"]},
            {node: moved["committed", node] for node in COUNTED},
        )

    def _write(self) -> None:
        self._write_files(FILES)
        self._project.with_name("home").mkdir()
        self._execute("postgres", f"create database {DATABASE} owner {ROLE}")
        self._execute(DATABASE, *CONTROL)

    def _grow(self) -> None:
        self._execute(DATABASE, *GROWTH)

    @contextlib.contextmanager
    def _broken(self) -> Iterator[None]:
        self._execute(DATABASE, "insert into control.failing values ('base')")
        yield
        self._execute(DATABASE, "delete from control.failing")

    def _save(self, name: str) -> None:
        shutil.copytree(self._project.parent, self._root / name, symlinks=True)
        self._execute("postgres", f"create database {name} template {DATABASE}")

    def _restore(self, name: str) -> None:
        shutil.rmtree(self._project.parent)
        shutil.copytree(self._root / name, self._project.parent, symlinks=True)
        self._execute("postgres", f"drop database if exists {DATABASE} with (force)",
                      f"create database {DATABASE} template {name} owner {ROLE}")  # fmt: skip

    def _execute(self, database: str, *statements: str) -> None:
        with contextlib.closing(self._server.connect(database)) as session, session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def _dbt(self, *arguments: str, proxied: bool = False) -> Invocation:
        host, port = (HOST, self._proxy.port) if proxied else (self._server.host, self._server.port)
        where = {"WAREHOUSE_HOST": host, "WAREHOUSE_PORT": str(port), "DBT_LOG_LEVEL_FILE": "none"}
        environment = tool_environment(self._project.with_name("home"), where)
        return Dbt(self._start, self._project, environment, self._project / "logs/dbt.log")(*arguments)

    def _counts(self, scene: PostgresScene) -> dict[tuple[str, str], int]:
        counts = {("committed", node): 0 for node in COUNTED}
        for node, number in scene.fetch("select node, n from control.marks where node like '%, done'"):
            counts["committed", node.partition(",")[0]] = number
        sequences = "select sequencename, coalesce(last_value, 0) from pg_sequences where schemaname = 'control'"
        for name, number in scene.fetch(sequences):
            kind, _, node = name.partition("_")
            counts[kind, node] = number
        return counts

    def _relations(self) -> Relations:
        with contextlib.closing(self._server.connect(DATABASE)) as session, session.cursor() as cursor:

            def query(sql: str) -> list[tuple[Any, ...]]:
                cursor.execute(sql)
                rows: list[tuple[Any, ...]] = cursor.fetchall()
                return rows

            found = describe_relations(query)
        return {name: relation for name, relation in found.items() if not name.startswith(_OWN_SCHEMAS)}
