"""What the classifiers make of connections that real servers, or sockets, refuse, reset or hang up."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from dbt_retry_plus.words import ErrorClass
from tests.support.postgres import PostgresServer
from tests.unit.classifiers.real import PERMANENT, TRANSIENT, UNKNOWN, class_of


@pytest.mark.postgres
def test_connections_to_postgres_that_are_refused(postgres_server: PostgresServer, tmp_path: Path) -> None:
    import psycopg2

    def connect(**changes: Any) -> Any:
        given = {"host": postgres_server.host, "port": postgres_server.port, "user": postgres_server.user}
        return psycopg2.connect(**{**given, "dbname": "postgres", **changes})

    with closing(connect()) as connection:
        connection.autocommit = True
        connection.cursor().execute("create role crowded login connection limit 0")
        assert class_of("postgres", lambda: connect(user="crowded")) is TRANSIENT
        connection.cursor().execute("drop role crowded")
    assert class_of("postgres", lambda: connect(dbname="Connection refused")) is PERMANENT
    assert class_of("postgres", lambda: connect(user="Connection refused")) is PERMANENT
    assert class_of("postgres", lambda: connect(host=str(tmp_path))) is TRANSIENT


@contextmanager
def serving(answer: Callable[[socket.socket], object]) -> Iterator[int]:
    """A server on loopback that does one thing to the one who connects."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(10_000)
                answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _hang_up(_: socket.socket) -> None:
    return None


def _say(answer: bytes) -> Callable[[socket.socket], object]:
    return lambda connection: connection.sendall(answer)


@pytest.mark.parametrize(
    ("answer", "options", "expected"),
    [
        (_hang_up, {}, TRANSIENT),
        (_reset, {}, TRANSIENT),
        (_say(b"N"), {"sslmode": "require"}, PERMANENT),
        (_say(b"S"), {"sslmode": "require"}, TRANSIENT),
    ],
)
def test_what_libpq_says_of_a_connection(answer: Any, options: dict[str, str], expected: ErrorClass) -> None:
    psycopg2 = pytest.importorskip("psycopg2")
    with serving(answer) as port:
        connect = {"host": "127.0.0.1", "port": port, "user": "a", "dbname": "b", "connect_timeout": 20, **options}
        assert class_of("postgres", lambda: psycopg2.connect(**connect)) is expected


def test_a_port_where_nobody_listens_is_transient() -> None:
    psycopg2 = pytest.importorskip("psycopg2")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert class_of("postgres", lambda: psycopg2.connect(host="127.0.0.1", port=port, user="a")) is TRANSIENT


@pytest.mark.parametrize(
    ("scheme", "answer", "expected"),
    [
        ("http", _hang_up, TRANSIENT),
        ("http", _reset, TRANSIENT),
        ("https", _hang_up, TRANSIENT),
        ("http", _say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"), TRANSIENT),
        ("http", _say(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"), TRANSIENT),
        ("http", _say(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"), TRANSIENT),
        ("http", _say(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), UNKNOWN),
    ],
)
def test_what_requests_says_of_a_service(scheme: str, answer: Any, expected: ErrorClass) -> None:
    import requests

    with serving(answer) as port:
        url = f"{scheme}://127.0.0.1:{port}/"
        assert class_of("databricks", lambda: requests.get(url, timeout=20).raise_for_status()) is expected
