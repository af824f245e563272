"""Processes that hold something of the package's until they are killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def holding(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run Python code in a process of its own and wait for it there, with what it holds, until the block is left.

    The process answers to `kill()`, which is SIGKILL, and is gone after the block in any case.
    """
    whole = f"import sys\n{code}\nprint('holding', flush=True)\nsys.stdin.read()"
    command = [sys.executable, "-c", whole, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "holding\n"
            yield process
        finally:
            process.kill()
