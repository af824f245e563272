"""Airflow's own processes are killed with SIGKILL: dbt ends with the task, and the retry resumes what it did."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dbt_retry_plus.words import TAG_VARIABLE
from tests.airflow.conftest import Worker
from tests.airflow.running import Airflow, eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
DAG, TASK = "killed_dbt", "endless"


def of_run(airflow: Airflow, run_id: str) -> set[int]:
    """The processes that were started for a DAG run: those of dbt, and what waits for it."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "environ").read_text(errors="replace").split("\0")
        except OSError:  # it has ended, or is another user's
            continue
        tags = [word for word in words if word.startswith(f"{TAG_VARIABLE}=")]
        if f"AIRFLOW_HOME={airflow.home}" in words and any(f"/{run_id}/" in tag for tag in tags):
            found.add(int(folder.name))
    return found


def stat_of(process: int) -> list[str]:
    """What the system says of a process, from its state on."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


def parent_of(process: int) -> int:
    return int(stat_of(process)[1])


def work_of(processes: set[int]) -> float:
    """The seconds that processors have worked for them."""
    return sum(int(stat_of(process)[11]) for process in processes) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def run_id(airflow: Airflow, killed: str) -> Iterator[str]:
    """A DAG run of which nothing is left when the test is over, also where it fails."""
    name = f"{killed}_killed"
    yield name
    for process in of_run(airflow, name):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


@pytest.mark.parametrize("killed", ["task", "supervisor"])
def test_dbt_ends_with_a_task_that_is_killed_and_the_retry_resumes_it(
    airflow: Airflow, worker: Worker, killed: str, run_id: str
) -> None:
    worker.deliver("effort.csv", "n\n4000000\n")  # its query would take days
    airflow.trigger(DAG, run_id)
    eventually(lambda: "model main.slow" in airflow.log(DAG, run_id, TASK, 1), "its query never began")
    running = of_run(airflow, run_id)
    begun = work_of(running)
    # One that has not begun is not cancelled.
    eventually(lambda: work_of(running) > begun + 2, "its query does not run")
    task = next(parent_of(process) for process in running if os.getsid(process) == process)
    victim = parent_of(task) if killed == "supervisor" else task
    assert victim > 1
    os.kill(victim, signal.SIGKILL)

    eventually(lambda: not of_run(airflow, run_id), "dbt goes on without its task")
    worker.deliver("effort.csv", "n\n10\n")
    worker.lose()
    retried = airflow.wait_for(DAG, run_id, TASK, "success", tried=2)

    assert retried.try_number == 2
    second = airflow.log(DAG, run_id, TASK, 2)
    assert "Try 2 resumes" in second and "(interrupted)" in second
    assert "main.slow" in second
    assert "main.before_slow" not in second
    told = airflow.xcom(run_id, TASK, "return_value")
    assert (told["verdict"], told["result"]) == ("recovered", "success")
