"""A TCP proxy on loopback before a PostgreSQL server: it loses, delays, cuts and refuses connections as it is told."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

_NODE = re.compile(rb'"node_id": "(?:\w+)\.\w+\.(\w+)')  # of the comment that dbt puts before each statement
_READY = re.compile(rb"Z\x00\x00\x00\x05[ITE]\Z")  # "Message Formats" of the protocol: ReadyForQuery ends an answer
_MOST_READ = 65_536
HOST = "127.0.0.1"


class Moment(str, Enum):
    """When a connection is cut."""

    BEFORE = "before"  # the server has the statement
    AMID = "amid"  # its answer
    AFTER = "after"  # the server has done it, and before the client knows


@dataclass(frozen=True)
class Cut:
    """What is cut.

    Attributes:
        node: The node whose connection it is.
        statement: Which of its statements, the first that names the node being 1; or a text that begins one.
        moment: When.
        reset: Whether both ends are told of it by a reset; else it is a regular end, in the midst of things.
        times: How many connections of the node.
    """

    node: str
    statement: int | bytes
    moment: Moment
    reset: bool
    times: int = 1


class _Connection:
    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.node = b""
        self.statements = 0
        self.last: Moment | None = None

    def end(self, *, reset: bool) -> None:
        for side in (self.client, self.server):
            with contextlib.suppress(OSError):
                if reset:  # TCP has no data to wait for then, and sends RST
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    side.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                # A thread that reads keeps a closed socket open.
                if reset:
                    side.shutdown(socket.SHUT_RD)
                side.close()


class Proxy:
    """Hands everything on, until it is told otherwise."""

    def __init__(self, upstream: str) -> None:
        """Listen, on a port that the system chooses.

        Args:
            upstream: The path of the server's socket.
        """
        self._upstream = upstream
        self._lock = threading.Lock()
        self._connections: list[_Connection] = []
        self._cut: Cut | None = None
        self._delay = 0.0
        self.hits = 0
        """How many connections were cut by rule."""
        self.port = 0
        self._listener: socket.socket | None = None
        self.listen()

    def listen(self) -> None:
        """Take connections, on the same port as before."""
        listener = socket.create_server((HOST, self.port))
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def refuse(self) -> None:
        """Let the system refuse connections."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # ends a thread that waits for a connection
            listener.close()

    def obey(self, cut: Cut | None = None, delay: float = 0.0) -> None:
        """Cut what a rule says, and hand everything on after some seconds."""
        with self._lock:
            self._cut, self._delay, self.hits = cut, delay, 0

    def end_all(self, *, reset: bool) -> None:
        """End the connections that there are."""
        with self._lock:
            ended, self._connections = self._connections, []
        for connection in ended:
            connection.end(reset=reset)

    def close(self) -> None:
        """Take no connections, and end those that there are."""
        self.refuse()
        self.end_all(reset=False)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            connection = _Connection(client, server)
            try:
                server.connect(self._upstream)
            except OSError:  # the server is gone: so is the connection
                connection.end(reset=False)
                continue
            with self._lock:
                self._connections.append(connection)
            for pump in (self._from_client, self._from_server):
                threading.Thread(target=pump, args=(connection,), daemon=True).start()

    def _from_client(self, connection: _Connection) -> None:
        for data in _chunks(connection.client):
            time.sleep(self._delay)
            cut = self._cut_for(connection, data)
            connection.last = cut.moment if cut else None
            if cut is not None and cut.moment is Moment.BEFORE:
                connection.end(reset=cut.reset)
                return
            if not _sent(connection.server, data):
                break
        connection.end(reset=False)

    def _from_server(self, connection: _Connection) -> None:
        for data in _chunks(connection.server):
            time.sleep(self._delay)
            if connection.last is Moment.AMID:
                _sent(connection.client, data[: len(data) // 2])
            if connection.last is Moment.AMID or (connection.last is Moment.AFTER and _READY.search(data)):
                connection.end(reset=self._cut.reset if self._cut else False)
                return
            if connection.last is None and not _sent(connection.client, data):
                break
        connection.end(reset=False)

    def _cut_for(self, connection: _Connection, data: bytes) -> Cut | None:
        named = _NODE.search(data)
        if named:
            connection.node = named[1]
        if connection.node:
            connection.statements += 1
        with self._lock:
            cut = self._cut
            if cut is None or self.hits >= cut.times or connection.node != cut.node.encode():
                return None
            if isinstance(cut.statement, int):
                wanted = connection.statements == cut.statement
            else:
                wanted = data[5:].startswith(cut.statement)  # after the type and the length
            self.hits += wanted
            return cut if wanted else None


def _chunks(source: socket.socket) -> Iterator[bytes]:
    """Read until the end. dbt's statements are short, and it waits for each answer: one chunk is one statement."""
    while True:
        try:
            data = source.recv(_MOST_READ)
        except OSError:
            return
        if not data:
            return
        yield data


def _sent(destination: socket.socket, data: bytes) -> bool:
    try:
        destination.sendall(data)
    except OSError:
        return False
    return True
