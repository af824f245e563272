"""dbt's process: its output comes line by line, and stopping it lets it end well first."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from dbt_retry_plus.airflow import process
from dbt_retry_plus.airflow.process import DbtProcess

WAITS = "import sys, time\ntry:\n    print('ready', flush=True)\n    time.sleep(600)\nexcept KeyboardInterrupt:\n    print('cancelled')\n    sys.exit(1)"
DEAF = "import signal, sys, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('ready', flush=True)\ntime.sleep(600)"


def started(code: str, folder: Path) -> DbtProcess:
    return DbtProcess([sys.executable, "-c", code], folder, {**os.environ})


class StopError(Exception):
    """As Airflow raises one in the middle of what a task does."""


def test_output_comes_as_lines(tmp_path: Path) -> None:
    lines: list[str] = []
    code = "import sys; sys.stdout.buffer.write(b'one\\r\\n\\ntwo \\xff'); sys.stderr.write('err\\n'); sys.exit(3)"
    running = started(code, tmp_path)
    assert running.wait(lines.append) == 3
    assert sorted("\n".join(lines).split()) == ["err", "one", "two", "\ufffd"] or "two \ufffderr" in lines
    assert not running.told_to_stop


def test_a_task_that_is_stopped_lets_dbt_end_well(tmp_path: Path) -> None:
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        if line == "ready":
            raise StopError

    running = started(WAITS, tmp_path)
    with pytest.raises(StopError):
        running.wait(say)
    assert lines == ["ready", "cancelled"]
    assert running.told_to_stop


def test_it_is_interrupted_although_ctrl_c_is_ignored_here(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        running = started(WAITS, tmp_path)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert running.wait(lambda line: running.stop() if line == "ready" else None) == 1
    finally:
        signal.signal(signal.SIGINT, before)


def test_what_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE", 0.5)
    running = started(DEAF, tmp_path)
    assert running.wait(lambda line: running.stop() if line == "ready" else None) == -signal.SIGKILL
    running.stop()  # nothing is left to stop


def test_what_it_leaves_behind_does_not_hold_the_task(tmp_path: Path) -> None:
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); print('done')"
    lines: list[str] = []
    running = started(code, tmp_path)
    assert running.wait(lines.append) == 0
    assert lines == ["done"]
    running._send(signal.SIGKILL)
