"""Tries that end otherwise than by a failed node, tasks that are cleared, and those of another DAG run."""

from __future__ import annotations

from tests.airflow.conftest import Worker
from tests.airflow.running import Airflow
from tests.airflow.test_example import DAG, PAYMENTS


def test_a_retry_that_will_not_help_is_the_last_and_clearing_goes_on_from_there(
    airflow: Airflow, worker: Worker
) -> None:
    (worker.files / "payments.csv").unlink(missing_ok=True)
    airflow.trigger(DAG, "tuesday")
    # Of three retries that it may have, one is used: the file is not there, and no retry brings it.
    failed = airflow.wait_for(DAG, "tuesday", "build", "failed", tried=2)
    assert failed.try_number == 2
    assert "retry will not help" in airflow.log(DAG, "tuesday", "build", 2)
    assert airflow.xcom("tuesday", "build", "dbt_retry_plus")["verdict"] == "retry_will_not_help"

    # Another DAG run begins at its own start, whatever is on record of this one.
    worker.deliver("payments.csv", PAYMENTS)
    worker.lose()
    airflow.trigger(DAG, "wednesday")
    airflow.wait_for(DAG, "wednesday", "build", "success")
    assert airflow.xcom("wednesday", "build", "return_value")["resumed"] is None
    assert airflow.xcom("wednesday", "build", "return_value")["counts"]["PASS"] >= 7

    airflow.clear(DAG, "build", "tuesday", "wednesday")
    cleared = airflow.wait_for(DAG, "tuesday", "build", "success", tried=3)
    assert cleared.try_number == 3
    assert airflow.xcom("tuesday", "build", "return_value")["verdict"] == "recovered"
    airflow.wait_for(DAG, "wednesday", "build", "success", tried=2)
    again = airflow.xcom("wednesday", "build", "return_value")
    assert again["resumed"] is None
    assert "The task was cleared" in airflow.log(DAG, "wednesday", "build", 2)


def test_a_try_that_takes_too_long_is_stopped_and_resumed(airflow: Airflow, worker: Worker) -> None:
    worker.deliver("effort.csv", "n\n4000000\n")
    airflow.trigger("late_dbt", "thursday")
    airflow.wait_for("late_dbt", "thursday", "slow", "up_for_retry")
    worker.deliver("effort.csv", "n\n10\n")
    worker.lose()

    airflow.wait_for("late_dbt", "thursday", "slow", "success", tried=2)

    second = airflow.log("late_dbt", "thursday", "slow", 2)
    assert "Try 2 resumes" in second
    assert "main.slow" in second
    assert "main.before_slow" not in second


def test_mapped_tasks_are_told_apart(airflow: Airflow, worker: Worker) -> None:
    worker.deliver("payments.csv", PAYMENTS)
    worker.deliver("effort.csv", "n\n10\n")
    airflow.trigger("mapped_dbt", "friday")
    for index in (0, 1):
        airflow.wait_for("mapped_dbt", "friday", "mapped", "success", map_index=index)
    logs = airflow.log("mapped_dbt", "friday", "mapped")
    assert "--select orders" in logs and "--select revenue" in logs
