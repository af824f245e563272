"""The process between a task and dbt: it ends dbt when the process of the task is gone, whatever ended that.

A task that is killed with SIGKILL cannot end dbt itself, which would work on beside the next try. So a task starts
this file, as `python -I -S keeper.py GRACE COMMAND…`, and holds the other end of its standard input, which nothing is
written to. It is to the task what dbt would be, in its output, its group of processes and its exit code.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import NoReturn

_NOT_STARTED = 127  # as a shell says it


def main() -> NoReturn:
    """Run the command that `sys.argv` names, and end as it ends."""
    grace, *command = sys.argv[1:]
    heard: set[int] = set()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # They are for dbt, which is in the same group; it would inherit that they are ignored, but no handler.
        signal.signal(number, lambda number, _: heard.add(number))
    try:
        dbt = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    except OSError as error:
        sys.stdout.write(f"{command[0]!r} could not be started: {error.strerror}\n")
        sys.exit(_NOT_STARTED)
    if heard:  # before there was a dbt to hear it
        dbt.send_signal(signal.SIGINT)
    threading.Thread(target=_end_when_alone, args=(float(grace), heard), daemon=True).start()
    code = dbt.wait()
    if code < 0:
        with suppress(OSError):  # SIGKILL has no handler
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _end_when_alone(grace: float, heard: set[int]) -> None:
    """End this group of processes once nobody holds the other end of standard input."""
    while os.read(0, 1):
        pass
    group = os.getpid()  # the task gave it one of its own
    if signal.SIGINT not in heard:  # with a second one dbt would leave off cancelling its queries
        os.killpg(group, signal.SIGINT)
    time.sleep(grace)
    os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
