"""Stores for tests: a real S3 API over HTTP, a proxy in front of it that fails on demand, and a store that does."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dbt_retry_plus.types import Store, StoredObject

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass(frozen=True)
class S3Server:
    """An S3 server of this machine."""

    port: int

    def new_bucket(self) -> str:
        bucket = f"bucket-{uuid.uuid4().hex[:12]}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(
            "PUT",
            f"/{bucket}",
            headers={
                "Authorization": "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
            },
        )
        assert connection.getresponse().status == 200
        connection.close()
        return bucket

    def environment(self, port: int | None = None) -> dict[str, str]:
        """What a process needs to reach it, by another port where a proxy is in front of it."""
        options = {
            "endpoint_url": f"http://127.0.0.1:{port or self.port}",
            "config_kwargs": {"retries": {"max_attempts": 1}, "connect_timeout": 5, "read_timeout": 20},
        }
        return {**CREDENTIALS, "FSSPEC_S3": json.dumps(options)}


@contextmanager
def running_s3() -> Iterator[S3Server]:
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    environment = {**os.environ, **CREDENTIALS, "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) as process:
        try:
            _wait_for(port, process)
            yield S3Server(port)
        finally:
            process.kill()


def _wait_for(port: int, process: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("moto's server did not come up")


class FaultyProxy:
    """Passes requests on to a server, and fails as long as it is told to."""

    def __init__(self, server: S3Server) -> None:
        self.status: int | None = None
        self.requests = 0
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.close_connection = True
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    return
                proxy.requests += 1
                body = _body_of(self.headers, self.rfile)
                if proxy.status is not None:
                    self.send_response(proxy.status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in ("transfer-encoding", "content-length", "connection", "expect"):
                        connection.putheader(name, value)
                connection.putheader("Content-Length", str(len(body)))
                connection.endheaders(body)
                answer = connection.getresponse()
                data = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("content-length", "connection", "transfer-encoding", "server", "date"):
                        self.send_header(name, value)
                head = self.command == "HEAD"
                self.send_header(
                    "Content-Length", answer.getheader("Content-Length") or "0" if head else str(len(data))
                )
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(data)
                connection.close()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _body_of(headers: Any, stream: Any) -> bytes:
    if headers.get("Transfer-Encoding", "").lower() == "chunked":
        body = b""
        while size := int(stream.readline().split(b";")[0], 16):
            body += stream.read(size)
            stream.readline()
        stream.readline()
        return body
    data: bytes = stream.read(int(headers.get("Content-Length") or 0))
    return data


@dataclass
class FaultyStore:
    """A store that lets the faults in `faults` happen, one to each call that writes, until there are none left.

    `lost`: nothing is written, and an error raised. `answer lost`: it is written, and an error raised all the same.
    `torn`: a part is written, and an error raised. `fine`: nothing is wrong.
    """

    store: Store
    faults: list[str] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    """Objects that listings do not show yet."""

    def list(self, prefix: str) -> Iterable[StoredObject]:
        return [each for each in self.store.list(prefix) if each.name not in self.hidden]

    def read(self, name: str) -> bytes:
        return self.store.read(name)

    def write(self, name: str, data: bytes) -> None:
        fault = self.faults.pop(0) if self.faults else "fine"
        if fault != "lost":
            self.store.write(name, data[: len(data) // 2] if fault == "torn" else data)
        if fault != "fine":
            raise TimeoutError(f"injected: {fault}")

    def write_if_absent(self, name: str, data: bytes) -> bool:
        return self.store.write_if_absent(name, data)

    def delete(self, name: str) -> None:
        self.store.delete(name)


class DictStore:
    """The smallest store there is, without conditional writes, as a plugin may have one."""

    def __init__(self, objects: dict[str, bytes] | None = None) -> None:
        self.objects = {} if objects is None else objects

    def list(self, prefix: str) -> Iterable[StoredObject]:
        return [StoredObject(name, len(data)) for name, data in self.objects.items() if name.startswith(prefix)]

    def read(self, name: str) -> bytes:
        try:
            return self.objects[name]
        except KeyError:
            raise FileNotFoundError(name) from None

    def write(self, name: str, data: bytes) -> None:
        self.objects[name] = data

    def write_if_absent(self, name: str, data: bytes) -> bool:
        raise NotImplementedError

    def delete(self, name: str) -> None:
        self.objects.pop(name, None)
