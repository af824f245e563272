"""Commands in processes of their own, and what they answer."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

# Prints the help of a command without dbt, and then which modules of dbt were imported for it.
DEMO_HELP = """
import sys
sys.argv = ["dbt-retry-plus", "demo", "--help"]
from dbt_retry_plus.cli.console import main
try:
    main()
finally:
    print([name for name in sys.modules if name.split(".")[0] == "dbt"])
"""


def run(
    *command: str | Path, environment: Mapping[str, str], folder: Path | None = None, exit_code: int | None = 0
) -> subprocess.CompletedProcess[str]:
    """Run a command; unless `exit_code` is None, it has to end with that one."""
    result = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if exit_code is not None:
        assert result.returncode == exit_code, f"{command}\n{result.stdout}\n{result.stderr}"
    return result
