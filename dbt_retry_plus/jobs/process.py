"""Running one try of a step, with a limit of time, in a process group of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType
from typing import IO

from dbt_retry_plus.jobs.step_process import START
from dbt_retry_plus.words import GRACE

_HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LONGEST_WAIT = 3600.0  # at once: the operating system knows no wait of a year


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        exit_code: Negative where a signal ended it.
        duration: Seconds.
        timed_out: Whether it was stopped since its time was over.
    """

    exit_code: int
    duration: float
    timed_out: bool


class Stopping:
    """What signals ask of a job: to stop, and with the second one to stop at once."""

    def __init__(self) -> None:
        """Nothing is asked for yet."""
        self.asked_for: int | None = None
        self.notices: SimpleQueue[str] = SimpleQueue()  # a signal's handler may put something into one of these
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Hear the signals that stop a process; elsewhere than in the main thread none can be heard."""
        before = {}
        if threading.current_thread() is threading.main_thread():
            for number in _HEARD:
                if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                    before[number] = signal.signal(number, self._hear)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def passed_on_to(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        """Let a process and all that it started have the signals too."""
        self._process = process
        if self.asked_for is not None:
            self._pass_on(signal.SIGINT)
        try:
            yield
        finally:
            self._process = None

    def _hear(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - signal hands it over
        self._pass_on(signal.SIGKILL if self.asked_for is not None else signal.SIGINT)
        self.asked_for = self.asked_for or number

    def _pass_on(self, number: int) -> None:
        if self._process is not None:
            self.notices.put("stop")
            send(self._process, number)


def run_step_process(
    arguments: Sequence[str],
    lock_file: Path,
    *,
    folder: Path,
    environment: Mapping[str, str],
    timeout: float | None,
    output: IO[str] | None,
    stopping: Stopping,
) -> Ended:
    """Run dbt, its output streamed through, until it ends or is ended.

    Args:
        arguments: What follows `dbt`.
        lock_file: Is locked by the process as long as it lives.
        folder: Where it works.
        environment: All of its variables.
        timeout: Seconds until it is told to stop, and killed if it does not.
        output: Where its output goes instead of standard output.
        stopping: What tells it to stop before.

    Raises:
        OSError: No process can be started.
    """
    began = time.monotonic()
    watched, held = os.pipe()
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", START, str(watched), str(lock_file), *arguments],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            pass_fds=(watched,),
            start_new_session=True,
        )
        with stopping.passed_on_to(process):
            timed_out = _wait(process, timeout, stopping.notices)
    finally:
        os.close(watched)
        os.close(held)  # should it be alive, which takes an error of ours, it stops
    return Ended(process.returncode, time.monotonic() - began, timed_out)


def send(process: subprocess.Popen[bytes], number: int) -> None:
    """Send a signal to a process and all that it started."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)


def _wait(process: subprocess.Popen[bytes], timeout: float | None, notices: SimpleQueue[str]) -> bool:
    """Wait for the end of a process, and bring it about where it is late; tell whether it was."""
    threading.Thread(target=_tell_of_the_end, args=(process, notices), daemon=True).start()
    timed_out, stopping = False, False
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        try:
            notice = notices.get(timeout=_left(deadline))
        except Empty:
            if deadline is None or time.monotonic() < deadline:
                continue
            timed_out = timed_out or not stopping
            send(process, signal.SIGKILL if stopping else signal.SIGTERM)
            stopping, deadline = True, time.monotonic() + GRACE
            continue
        if notice == "ended":
            return timed_out
        if not stopping:
            stopping, deadline = True, time.monotonic() + GRACE


def _tell_of_the_end(process: subprocess.Popen[bytes], notices: SimpleQueue[str]) -> None:
    process.wait()
    notices.put("ended")


def _left(deadline: float | None) -> float:
    return _LONGEST_WAIT if deadline is None else min(max(deadline - time.monotonic(), 0), _LONGEST_WAIT)
