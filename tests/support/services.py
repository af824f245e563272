"""An HTTP service on loopback that fails as often as it is told to."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Service:
    """What it answers, and where."""

    def __init__(self) -> None:
        """Listen, on a port that the system chooses."""
        self._answers: dict[str, list[int]] = {}
        self.asked: list[str] = []
        """The paths that were asked for."""
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.lstrip("/")
                service.asked.append(path)
                left = service._answers.get(path)
                status = left.pop(0) if left else 200
                if status == 0:  # the connection ends, and nothing was said
                    return
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"42")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def answer(self, **statuses: Iterable[int]) -> None:
        """Answer with these first, by path, and then with 200; 0 is a connection that ends without an answer."""
        self._answers = {path: list(given) for path, given in statuses.items()}
        self.asked.clear()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def running_service() -> Iterator[Service]:
    """Run a service of one's own."""
    service = Service()
    try:
        yield service
    finally:
        service.close()
