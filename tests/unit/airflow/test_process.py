"""dbt's process: its output comes line by line, and stopping it lets it end well first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dbt_retry_plus.airflow import process
from dbt_retry_plus.airflow.process import DbtProcess, UnsupervisedError

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


def test_dbt_ends_where_what_stands_before_it_is_killed_alone(tmp_path: Path) -> None:
    code = WAITS.replace("'ready'", "'ready', os.getpid(), os.getppid()").replace("import sys", "import os, sys")
    dbt: list[int] = []

    def say(line: str) -> None:
        if line.startswith("ready"):
            _, child, keeper = line.split()
            dbt.append(int(child))
            os.kill(int(keeper), signal.SIGKILL)

    assert started(code, tmp_path).wait(say) == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(dbt[0], 0)


def test_a_task_whose_supervisor_went_before_dbt_began_is_stopped(tmp_path: Path) -> None:
    running = DbtProcess([sys.executable, "-c", WAITS], tmp_path, {**os.environ}, supervisor=os.getpid())
    with pytest.raises(UnsupervisedError):
        running.wait(lambda _: None)
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


def test_how_it_ends_is_told(tmp_path: Path) -> None:
    lines: list[str] = []
    assert started("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", tmp_path).wait(lines.append) == -15
    assert started("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", tmp_path).wait(lines.append) == -9
    assert DbtProcess(["./no-dbt", "build"], tmp_path, {**os.environ}).wait(lines.append) == 127
    assert lines == ["'./no-dbt' could not be started: No such file or directory"]


# It forks at once if it is told to: then its child is the task, and itself what supervises it.
TASK = """
import os, sys, time
from pathlib import Path
from dbt_retry_plus.airflow import process
process.GRACE = 0.5
if sys.argv[2:] and os.fork():
    time.sleep(600)
running = process.DbtProcess([sys.executable, "-c", sys.argv[1]], Path.cwd(), {**os.environ})
running.wait(lambda line: print(line, flush=True))
"""
NOTES = WAITS.replace("print('cancelled')", "open('cancelled', 'w')")


@pytest.mark.parametrize(("script", "forks"), [(NOTES, ()), (DEAF, ()), (NOTES, ("fork",)), (DEAF, ("fork",))])
def test_it_ends_when_the_task_or_what_supervises_it_is_killed(tmp_path: Path, script: str, forks: tuple[str]) -> None:
    os.mkfifo(tmp_path / "held")
    alive = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    words = [sys.executable, "-c", TASK, f"import os; os.open('held', os.O_WRONLY)\n{script}", *forks]
    with subprocess.Popen(
        words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as started_by:
        assert started_by.stdout is not None and started_by.stdout.readline() == "ready\n"
        started_by.kill()
    os.set_blocking(alive, True)
    assert os.read(alive, 1) == b""  # whoever could write is gone
    os.close(alive)
    assert (tmp_path / "cancelled").exists() == (script is NOTES)
