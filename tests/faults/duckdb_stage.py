"""Where the cases on DuckDB run: a project and a warehouse in a folder of their own, put back for each case."""

from __future__ import annotations

import contextlib
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tests.faults.case import Case
from tests.faults.duckdb_faults import DUCKDB_FAULTS
from tests.faults.duckdb_project import DUCKDB_FILES, GROWTH, NODES, RAW
from tests.faults.ran import Ran, Relations
from tests.faults.scene import Scene, journals
from tests.faults.stage import PATIENT, Stage
from tests.support.invocations import Dbt, Invocation, Starter, tool_environment
from tests.support.services import Service
from tests.support.warehouses import DuckDB

_BEGINNING = ("side", "seen", *NODES)
# DuckDB 1.1 may crash as one thread closes
_ONE_THREAD = tuple(map(int, version("duckdb").split(".")[:2])) < (1, 2)


@dataclass(frozen=True)
class DuckdbScene(Scene):
    """A retry on DuckDB.

    Attributes:
        place: The folder of the warehouse, and of all that models read.
        service: What the Python model asks.
    """

    place: Path
    service: Service

    def execute(self, statement: str) -> None:
        """Execute a statement in the warehouse."""
        DuckDB(self.place / "warehouse.duckdb").execute([statement])

    def rewrite(self, beginning: str, sql: str) -> None:
        """Replace the node's SQL from its beginning on."""
        path = next(path for path in self.project.rglob(f"{self.case.node}.sql") if "target" not in path.parts)
        text = path.read_text()
        end = "\n{% endsnapshot %}" if "endsnapshot" in text else ""
        path.write_text(text[: text.index(beginning)] + sql + end)


class DuckdbStage(Stage):
    """The folder in which every case of a test process is set up."""

    def __init__(self, root: Path, start: Starter, service: Service) -> None:
        self._root = root
        self._stage = root / "stage"
        super().__init__(self._stage / "project")
        self._start = start
        self._service = service
        self._warehouse = DuckDB(self._stage / "warehouse.duckdb")

    def run(self, case: Case) -> Ran:
        """Run a case."""
        fault = DUCKDB_FAULTS[case.fault]
        self._service.answer()
        self._prepare(case.state)
        self._restore(f"{case.state}_failed")
        scene = self._scene(case)
        fault.prepare(scene)
        options = (*PATIENT, *fault.arguments, "--threads", "1" if _ONE_THREAD else str(case.threads))
        with scene.meddling(fault.meddle):
            invocation = self._dbt("retry-plus", *options)
        relations = self._relations()
        began = Counter(path.name.split()[0] for path in (self._stage / "began").iterdir())
        return Ran(
            case,
            fault,
            invocation,
            self._first[case.state],
            scene.journal(),
            relations,
            self._expected[case.state],
            {node: began[node] for node in _BEGINNING},
            self._committed(),
        )

    def _scene(self, case: Case) -> DuckdbScene:
        return DuckdbScene(case, self._project, journals(self._project), self._stage, self._service)

    def _write(self) -> None:
        self._write_files(DUCKDB_FILES)
        for folder in ("home", "began"):
            (self._stage / folder).mkdir()
        self._warehouse.execute([*RAW, *(f"insert into raw.shared values ('{node}', 0)" for node in _BEGINNING)])
        for node in _BEGINNING:
            (self._stage / f"{node}.csv").write_text("x\n1\n")
            DuckDB(self._stage / f"{node}.duckdb").execute(["create table factors as select 3 as factor"])

    def _grow(self) -> None:
        self._warehouse.execute(GROWTH)

    @contextlib.contextmanager
    def _broken(self) -> Iterator[None]:
        missing = self._stage / "base.csv"
        text = missing.read_text()
        missing.unlink()
        yield
        missing.write_text(text)
        for began in (self._stage / "began").iterdir():
            began.unlink()

    def _save(self, name: str) -> None:
        shutil.copytree(self._stage, self._root / name, symlinks=True)

    def _restore(self, name: str) -> None:
        shutil.rmtree(self._stage)
        shutil.copytree(self._root / name, self._stage, symlinks=True)

    def _dbt(self, *arguments: str) -> Invocation:
        where = {"PLACE": str(self._stage), "SERVICE": self._service.url, "DBT_LOG_LEVEL_FILE": "none"}
        environment = tool_environment(self._stage / "home", where)
        return Dbt(self._start, self._project, environment, self._project / "logs/dbt.log")(*arguments)

    def _committed(self) -> Mapping[str, int]:
        import duckdb

        with contextlib.closing(duckdb.connect(str(self._warehouse.file))) as connection:
            if connection.execute("select conflicting from raw.switch").fetchall() == [(False,)]:
                return {}
            return dict(connection.execute("select node, n from raw.shared").fetchall())

    def _relations(self) -> Relations:
        return {name: each for name, each in self._warehouse.relations().items() if not name.startswith("raw.")}
