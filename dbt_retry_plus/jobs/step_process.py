"""The process of one step: the dbt of this environment, which ends when the job that started it dies.

It is started as `python -c START WATCHED LOCK ARGUMENTS…`, and is then what `dbt ARGUMENTS…` would be.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import time
from typing import Any, NoReturn

import click
from filelock import FileLock, Timeout

from dbt_retry_plus.startup import DBT_CLI_MODULE
from dbt_retry_plus.startup.registration import register
from dbt_retry_plus.words import GRACE

# The folder that a step works in is the project's, where a file can have the name of any module.
START = (
    "import sys; sys.path[:] = filter(None, sys.path); "
    "from dbt_retry_plus.jobs.step_process import main; sys.exit(main())"
)
_LONGEST_WAIT_FOR_LOCK = 5.0


def main() -> NoReturn:
    """Run the dbt command that `sys.argv` names, and exit with its exit code."""
    watched, lock_file, *arguments = sys.argv[1:]
    sys.argv[:] = ["dbt", *arguments]  # dbt reads it for its logs and its recorded command
    # A process that a shell has put into the background ignores Ctrl-C; and dbt cancels its queries on no other signal.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    threading.Thread(target=_stop_when_alone, args=(int(watched),), daemon=True).start()
    lock = FileLock(lock_file, thread_local=False)
    try:
        lock.acquire(timeout=_LONGEST_WAIT_FOR_LOCK)
    except Timeout:
        click.echo("A step of an earlier run of this job is still running. Wait until it has ended.", err=True)
        sys.exit(2)
    except (OSError, NotImplementedError):  # a file system without locks: the job itself has said so
        pass
    try:
        _dbt().main(args=arguments, prog_name="dbt")
    except KeyboardInterrupt:
        sys.exit(1)
    sys.exit(0)


def _dbt() -> Any:
    dbt_cli_module = importlib.import_module(DBT_CLI_MODULE)
    register(dbt_cli_module)  # the startup file has done this already, unless it was turned off
    return dbt_cli_module.cli


def _stop_when_alone(watched: int) -> None:
    """Stop this process once nobody holds the other end of a pipe: the job was killed, and this is its step."""
    while os.read(watched, 1):
        pass
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(GRACE)
    os.killpg(os.getpgid(0), signal.SIGKILL)  # the job gave its steps a process group of their own
