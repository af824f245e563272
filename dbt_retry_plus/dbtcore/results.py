"""What a retry hands back to dbt's command line and to `dbtRunner`."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import dbt.utils
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.contracts.state import load_result_state
from dbt.flags import get_flags
from dbt.task.base import ConfiguredTask

from dbt_retry_plus.commands import RUN_OPERATION


def run_task(task: ConfiguredTask) -> tuple[Any, bool]:
    """Run a task and let dbt judge its results.

    Returns:
        dbt's result object, and whether dbt calls it a success.
    """
    results = task.run()
    return results, bool(task.interpret_results(results))


def nothing_ran(command: str, run_results: Path) -> Any:
    """Return the results of a retry that had nothing to do.

    Args:
        command: dbt's `which`; a run-operation returns its previous results, as since dbt-core 1.11.
        run_results: The file that holds them.
    """
    if command == RUN_OPERATION and run_results.is_file():
        return load_result_state(run_results)
    return RunExecutionResult(
        results=[],
        elapsed_time=0.0,
        generated_at=datetime.now(timezone.utc).replace(tzinfo=None),
        args=dbt.utils.args_to_dict(get_flags()),
    )
