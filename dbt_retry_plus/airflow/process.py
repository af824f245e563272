"""The process of dbt: its output line by line, and how it is stopped so that what it did stays on record."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from dbt_retry_plus.airflow import keeper
from dbt_retry_plus.words import GRACE

_LOOK = 0.5
_LINES_KEPT = 20


class UnsupervisedError(Exception):
    """Airflow's process that supervises the task is gone: Airflow will try the task again."""


class DbtProcess:
    """One process in a group of its own. It has no thread: Airflow stops a task in the middle of what it does."""

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str], supervisor: int | None = None
    ) -> None:
        """Start it.

        Args:
            command: The words of the command.
            folder: Where it runs.
            environment: Its variables.
            supervisor: Who was the parent of this process when the task began; by default, who is now.

        Raises:
            OSError: It cannot be started.
            ValueError: A word of the command has a null in it.
        """
        self.last_lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._rest = b""
        self._open = True
        self._told_to_stop = False
        self._supervisor = os.getppid() if supervisor is None else supervisor
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", keeper.__file__, str(GRACE), *command],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,  # nothing is ever written: it closes when this process ends, whatever ends it
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
        )

    def wait(self, say: Callable[[str], object]) -> int:
        """Hand on its output until it ends; it is stopped where that is interrupted.

        Args:
            say: Is told each line.

        Returns:
            Its exit code; negative where a signal ended it.

        Raises:
            UnsupervisedError: The parent of this process was killed.
        """
        try:
            self._stream(say, None)
        finally:
            self.stop(say)
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    stream.close()
        if self._rest:
            self._say(say, self._rest)
            self._rest = b""
        return self._process.returncode

    def stop(self, say: Callable[[str], object] = lambda _: None) -> None:
        """Have it cancel its queries and end; kill it where it does not in time. What has ended stays as it is."""
        code = self._process.poll()
        if code is not None:
            if code < 0:
                self._end_what_is_left()
            return
        if not self._told_to_stop:
            self._told_to_stop = True
            self._send(signal.SIGINT)  # dbt cancels its queries on no other signal
        if not self._stream(say, time.monotonic() + GRACE):
            self._send(signal.SIGKILL)
            self._process.wait()

    def _end_what_is_left(self) -> None:
        """End dbt where the keeper alone was killed; where dbt was, nobody is there any more."""
        deadline = time.monotonic() + GRACE
        self._send(signal.SIGINT)
        while self._send(0) and time.monotonic() < deadline:
            time.sleep(_LOOK)
        self._send(signal.SIGKILL)

    @property
    def told_to_stop(self) -> bool:
        """Whether it was stopped, and did not end by itself."""
        return self._told_to_stop

    def _stream(self, say: Callable[[str], object], deadline: float | None) -> bool:
        """Read until it has ended; tell whether it has before the deadline."""
        output = self._process.stdout
        while deadline is None or time.monotonic() < deadline:
            if deadline is None and os.getppid() != self._supervisor:
                raise UnsupervisedError("The process that supervised the task is gone, so dbt was stopped.")
            if self._open and output is not None:
                ready, _, _ = select.select([output], [], [], _LOOK)
                data = os.read(output.fileno(), 65536) if ready else b""
                self._take(data, say)
                self._open = not (ready and not data)
                if ready:
                    continue
            else:
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(_LOOK)
            if self._process.poll() is not None:  # what it has started may hold its output open
                return True
        return False

    def _take(self, data: bytes, say: Callable[[str], object]) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._say(say, line)

    def _say(self, say: Callable[[str], object], line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip("\r")
        if text.strip():
            self.last_lines.append(text)
        say(text)

    def _send(self, number: int) -> bool:
        """Send a signal to all of its group; tell whether there is anybody."""
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True
