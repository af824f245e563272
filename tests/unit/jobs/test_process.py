"""Processes of steps, with a Python script in the place of dbt: how they are limited, stopped and left alone."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from dbt_retry_plus.jobs import process
from dbt_retry_plus.jobs.process import Ended, Stopping, run_step_process
from dbt_retry_plus.ledger.lock import is_held

STUBBORN = """
import os, signal, sys, time
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: None)
open("begun", "w").close()
while True:
    time.sleep(60)
"""
OBEDIENT = """
import time
open("begun", "w").close()
time.sleep(600)
"""


WITH_CHILD = """
from filelock import FileLock
import os
if os.fork():
    open = lambda *_: os.fdopen(os.dup(0))
else:
    lock = FileLock("child.lock")
    lock.acquire()
""" + STUBBORN.replace("import os, ", "import ")


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE", 0.2)


def run(
    folder: Path,
    script: str,
    monkeypatch: pytest.MonkeyPatch,
    stopping: Stopping | None = None,
    timeout: float | None = None,
) -> Ended:
    monkeypatch.setattr(process, "START", script)
    return run_step_process(
        ["x"],
        folder / "lock",
        folder=folder,
        environment=dict(os.environ),
        timeout=timeout,
        output=None,
        stopping=stopping or Stopping(),
    )


def stopped(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch, times: int) -> tuple[Ended, Stopping]:
    """Run a script that is told to stop, once or more, when it has begun."""
    stopping = Stopping()

    def stop() -> None:
        deadline = time.monotonic() + 60
        while not (folder / "begun").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)
        while stopping.asked_for is None:
            time.sleep(0.01)
        for _ in range(1, times):
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=stop)
    with stopping.heard():
        thread.start()
        ended = run(folder, script, monkeypatch, stopping)
        thread.join()
    return ended, stopping


def test_the_exit_code_of_a_process_is_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = run(tmp_path, "import sys; sys.exit(3)", monkeypatch, timeout=60.0)
    assert (ended.exit_code, ended.timed_out) == (3, False)


def test_a_process_that_takes_too_long_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = run(tmp_path, OBEDIENT, monkeypatch, timeout=0.5)
    assert (ended.exit_code, ended.timed_out) == (-signal.SIGTERM, True)


def test_one_that_does_not_stop_is_killed_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, stopping = stopped(tmp_path, WITH_CHILD, monkeypatch, times=1)
    assert (ended.exit_code, ended.timed_out, stopping.asked_for) == (-signal.SIGKILL, False, signal.SIGTERM)
    deadline = time.monotonic() + 60
    while is_held(tmp_path / "child.lock"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_second_signal_kills_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE", 600)
    ended, stopping = stopped(tmp_path, STUBBORN, monkeypatch, times=2)
    assert (ended.exit_code, stopping.asked_for) == (-signal.SIGKILL, signal.SIGTERM)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_process_that_begins_as_the_job_is_told_to_stop_is_told_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping = Stopping()
    stopping.asked_for = signal.SIGINT
    assert run(tmp_path, STUBBORN, monkeypatch, stopping).exit_code != 0


def test_signals_that_were_ignored_stay_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        stopping = Stopping()
        with stopping.heard():
            os.kill(os.getpid(), signal.SIGHUP)
        assert stopping.asked_for is None
    finally:
        signal.signal(signal.SIGHUP, before)
