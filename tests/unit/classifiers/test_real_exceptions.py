"""What the classifiers make of exceptions that real drivers raise, against real databases and real sockets."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dbt_retry_plus.words import ErrorClass
from tests.support.postgres import PostgresServer
from tests.unit.classifiers.real import PERMANENT, TRANSIENT, UNKNOWN, class_of


@pytest.mark.parametrize(
    "sql",
    [
        "selec 1 from t where x = 'deadlock detected'",
        "select * from connection_reset",
        "select connection_reset from t",
        "select 'Connection reset by peer'::int",
        "select error('TransactionContext Error: Conflict on update!')",
        "insert into t values (1)",
        "select 999999999999::int",
        "create table t(i int)",
        "select * from read_csv('not_there.csv')",
        "drop view t",
        "select no_such_function(1)",
    ],
)
def test_what_duckdb_finds_in_a_statement_is_permanent(sql: str) -> None:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("create table t(i int primary key)")
        connection.execute("insert into t values (1)")
        assert class_of("duckdb", lambda: connection.execute(sql).fetchall()) is PERMANENT


def test_a_duckdb_file_that_another_process_holds_is_transient(tmp_path: Path) -> None:
    import duckdb

    file = str(tmp_path / "shop.duckdb")
    hold = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", hold, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"held"
        assert class_of("duckdb", lambda: duckdb.connect(file)) is TRANSIENT
        with duckdb.connect() as connection:
            assert class_of("duckdb", lambda: connection.execute(f"attach '{file}' as held")) is TRANSIENT
        holder.communicate()


@pytest.mark.parametrize(
    "sql", ["update t set i = i + 1", "create table made(i int)", "alter table t add column j int"]
)
def test_transactions_of_duckdb_that_collide_are_transient(sql: str) -> None:
    import duckdb

    with duckdb.connect() as first, first.cursor() as second:
        first.execute("create table t(i int)")
        first.execute("insert into t values (1)")
        first.begin()
        second.begin()
        first.execute(sql)
        assert class_of("duckdb", lambda: second.execute(sql)) is TRANSIENT


def test_memory_that_runs_out_is_unknown() -> None:
    import duckdb

    with duckdb.connect(config={"memory_limit": "1MB"}) as connection:
        big = "create table big as select range i, repeat('x', 100) from range(1000000)"
        assert class_of("duckdb", lambda: connection.execute(big)) is UNKNOWN


@pytest.fixture
def session(postgres_server: PostgresServer) -> Iterator[Callable[[], Any]]:
    """Opens sessions of a database of their own."""
    database = postgres_server.create_database()
    opened: list[Any] = []

    def connect() -> Any:
        opened.append(postgres_server.connect(database))
        return opened[-1]

    connect().cursor().execute("create table t(i int primary key, n int); insert into t values (1, 1), (2, 2)")
    yield connect
    for connection in opened:
        connection.close()


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("selec 1", PERMANENT),
        ("select * from connection_reset", PERMANENT),
        ("select deadlock_detected from t", PERMANENT),
        ("select 'deadlock detected'::int", PERMANENT),
        ("insert into t values (1, 1)", PERMANENT),
        ("select 1 / 0", PERMANENT),
        ("do $$ begin raise exception 'deadlock detected'; end $$", UNKNOWN),
        ("do $$ begin raise exception 'server closed the connection unexpectedly'; end $$", UNKNOWN),
        ("set transaction_read_only = on; create table k(i int)", UNKNOWN),
        ("set statement_timeout = 20; select pg_sleep(20)", TRANSIENT),
        ("do $$ begin raise exception 'x' using errcode = '57P03'; end $$", TRANSIENT),
    ],
)
def test_what_postgres_says_of_a_statement(session: Callable[[], Any], sql: str, expected: ErrorClass) -> None:
    assert class_of("postgres", lambda: session().cursor().execute(sql)) is expected


@pytest.mark.postgres
def test_locks_and_transactions_of_postgres_that_collide_are_transient(session: Callable[[], Any]) -> None:
    first, second = session(), session()
    first.autocommit = False
    first.cursor().execute("update t set n = 9 where i = 1")
    assert class_of("postgres", lambda: second.cursor().execute("select * from t for update nowait")) is TRANSIENT
    assert (
        class_of("postgres", lambda: second.cursor().execute("set lock_timeout = 20; update t set n = 8")) is TRANSIENT
    )
    first.rollback()
    second.cursor().execute("reset lock_timeout")
    for connection in (first, second):
        connection.set_session(isolation_level="SERIALIZABLE", autocommit=False)
    first.cursor().execute("select * from t")
    second.cursor().execute("update t set n = 5 where i = 1")
    second.commit()
    assert class_of("postgres", lambda: first.cursor().execute("update t set n = 6 where i = 1")) is TRANSIENT


@pytest.mark.postgres
def test_a_deadlock_of_postgres_is_transient(session: Callable[[], Any]) -> None:
    connections = (session(), session())
    for row, connection in enumerate(connections, start=1):
        connection.autocommit = False
        connection.cursor().execute(f"set local deadlock_timeout = 20; update t set n = 1 where i = {row}")
    failed: list[BaseException] = []

    def take_the_others(row: int, connection: Any) -> None:
        try:
            connection.cursor().execute(f"update t set n = 2 where i = {row}")
        except Exception as error:
            failed.append(error)
            connection.rollback()

    threads = [
        threading.Thread(target=take_the_others, args=(row, connection))
        for row, connection in zip((2, 1), connections, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    def again() -> None:
        (error,) = failed
        raise error

    assert class_of("postgres", again) is TRANSIENT


@pytest.mark.postgres
def test_a_schema_that_two_sessions_create_at_once_is_transient(session: Callable[[], Any]) -> None:
    first, second, observer = session(), session(), session().cursor()
    first.autocommit = False
    create = "create schema if not exists shared"
    first.cursor().execute(create)

    def wait_for_the_second() -> None:
        waiting = 0
        while not waiting:
            observer.execute(
                "select count(*) from pg_stat_activity where query = %s and wait_event_type = 'Lock'", [create]
            )
            (waiting,) = observer.fetchone()
        first.commit()

    thread = threading.Thread(target=wait_for_the_second)
    thread.start()
    assert class_of("postgres", lambda: second.cursor().execute(create)) is TRANSIENT
    thread.join()


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("function", "expected"), [("pg_terminate_backend", TRANSIENT), ("pg_cancel_backend", UNKNOWN)]
)
def test_a_backend_that_is_terminated_is_transient_and_a_statement_that_is_cancelled_is_not(
    session: Callable[[], Any], function: str, expected: ErrorClass
) -> None:
    victim, other = session(), session().cursor()
    pid = victim.info.backend_pid

    def end_it() -> None:
        asleep = 0
        while not asleep:
            other.execute("select count(*) from pg_stat_activity where pid = %s and wait_event = 'PgSleep'", [pid])
            (asleep,) = other.fetchone()
        other.execute(f"select {function}(%s)", [pid])

    thread = threading.Thread(target=end_it)
    thread.start()
    assert class_of("postgres", lambda: victim.cursor().execute("select pg_sleep(60)")) is expected
    thread.join()
    if expected is TRANSIENT:
        assert class_of("postgres", lambda: victim.cursor().execute("select 1")) is TRANSIENT
