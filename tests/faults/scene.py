"""What a fault may do while a retry runs: speak to the server, stop a node at its gate, look into the journal."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults.project import DATABASE, ROLE, unique_id
from tests.support.postgres import PostgresServer
from tests.support.proxy import Proxy

if TYPE_CHECKING:
    from tests.faults.case import Case

SECONDS = 90
HELD_UP = "held_up"
"""The file that the project's hooks write when no node can begin yet."""

_LOOK_EVERY = 0.02
_WHO_WAITS = "from pg_locks where locktype = 'advisory' and not granted"


@dataclass(frozen=True)
class Scene:
    """A retry that is about to run.

    Attributes:
        case: What is to happen.
        project: The folder of the project.
        known: The records that were there before the retry.
        is_ready: Set when the retry may begin.
        is_over: Set when it has ended.
    """

    case: Case
    project: Path
    known: frozenset[Path]
    is_ready: threading.Event = field(default_factory=threading.Event, kw_only=True)
    is_over: threading.Event = field(default_factory=threading.Event, kw_only=True)

    def ready(self) -> None:
        """Let the retry begin."""
        self.is_ready.set()

    def wait_for(self, condition: Callable[[], Any]) -> Any:
        """Wait until a condition holds, which it has to while the retry runs."""
        deadline = time.monotonic() + SECONDS
        while not (found := condition()):
            if self.is_over.is_set() or time.monotonic() > deadline:
                raise AssertionError("the retry did not come to where the fault was to hit it")
            time.sleep(_LOOK_EVERY)
        return found

    def wait_for_attempts(self, number: int) -> None:
        """Wait until the journal has so many failed attempts of the node."""
        node = unique_id(self.case.node)
        self.wait_for(lambda: sum(failed["node"] == node for failed in failed_attempts(self.journal())) >= number)

    def attempts_of_any(self) -> int:
        """How many attempts of all nodes together have failed: a unit test that waits keeps its thread, and others off it."""
        return sum(1 for _ in failed_attempts(self.journal()))

    def wait_for_attempts_of_any(self, number: int) -> None:
        """Wait until the journal has so many failed attempts."""
        self.wait_for(lambda: self.attempts_of_any() >= number)

    def hold_up(self) -> None:
        """Let the retry begin, and wait until it has been told that no node can begin yet (see `stage.py`)."""
        told = self.project / HELD_UP
        told.unlink(missing_ok=True)
        self.ready()
        self.wait_for(told.exists)

    def journal(self) -> list[Mapping[str, Any]]:
        """The raw lines of the retry's journal, as far as it is written."""
        new = journals(self.project) - self.known
        return lines_of(next(iter(new))) if new else []

    @contextlib.contextmanager
    def meddling(self, meddle: Callable[[Any], None]) -> Iterator[None]:
        """Do what a fault does, in a thread of its own, while the block runs; what goes wrong there is raised."""
        errors: list[BaseException] = []

        def run() -> None:
            try:
                meddle(self)
            except BaseException as error:
                errors.append(error)
            finally:
                self.ready()

        thread = threading.Thread(target=run)
        thread.start()
        self.is_ready.wait()
        try:
            yield
        finally:
            self.is_over.set()
            thread.join()
        if errors:
            raise errors[0]


@dataclass(frozen=True)
class PostgresScene(Scene):
    """A retry on PostgreSQL.

    Attributes:
        server: The server.
        proxy: The proxy before it.
    """

    server: PostgresServer
    proxy: Proxy

    def connect(self) -> Any:
        """A session of a superuser's."""
        return self.server.connect(DATABASE)

    def connect_as_dbt(self) -> Any:
        """A session of the role that dbt has."""
        import psycopg2  # type: ignore[import-untyped]

        return psycopg2.connect(host=self.server.host, port=self.server.port, user=ROLE, dbname=DATABASE)

    def execute(self, *statements: str) -> None:
        """Execute statements, each a transaction."""
        with contextlib.closing(self.connect()) as session, session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def fetch(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with contextlib.closing(self.connect()) as session, session.cursor() as cursor:
            cursor.execute(query)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    @contextlib.contextmanager
    def gate(self) -> Iterator[Gate]:
        """Stop the node, in all of its attempts, until the block is left."""
        with contextlib.closing(self.connect()) as session:
            gate = Gate(self, session)
            self.ready()
            yield gate


class Gate:
    """A lock that the node's statement asks for, and a session that holds it."""

    def __init__(self, scene: PostgresScene, session: Any) -> None:
        """Close it."""
        self._scene = scene
        self._session = session
        self._seen: set[int] = set()
        self._ask("select pg_advisory_lock(hashtext(%s))", scene.case.node)

    def release(self) -> None:
        """Let the node pass."""
        self._ask("select pg_advisory_unlock_all()")

    def wait_for_node(self) -> int:
        """Wait until a session that was not here before stands before the gate; return its process."""

        def who() -> int | None:
            pids = {pid for (pid,) in self._scene.fetch(f"select pid {_WHO_WAITS}")} - self._seen
            return pids.pop() if pids else None

        pid: int = self._scene.wait_for(who)
        self._seen.add(pid)
        return pid

    def terminate_who_waits(self) -> None:
        """End the sessions that stand before the gate."""
        self._scene.execute(f"select pg_terminate_backend(pid) {_WHO_WAITS}")

    def lost(self) -> None:
        """Wait until the server has dropped the session that holds the gate."""
        import psycopg2

        def gone() -> bool:
            try:
                self._ask("select 1")
            except psycopg2.Error:
                return True
            return False

        self._scene.wait_for(gone)

    def _ask(self, query: str, *values: str) -> None:
        with self._session.cursor() as cursor:
            cursor.execute(query, values or None)


def journals(project: Path) -> frozenset[Path]:
    """The journals in a project's ledger."""
    return frozenset((project / "target/retry_plus/invocations").glob("*/journal.jsonl"))


def lines_of(journal: Path) -> list[Mapping[str, Any]]:
    """The whole lines of a journal, oldest first."""
    return [json.loads(line) for line in journal.read_text().splitlines(keepends=True) if line.endswith("\n")]


def failed_attempts(lines: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The lines of attempts that failed."""
    return (line for line in lines if line["event"] == "attempt")
