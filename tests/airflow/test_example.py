"""The example DAG, through try, failure, retry and success, on a real Airflow."""

from __future__ import annotations

from tests.airflow.conftest import Worker
from tests.airflow.running import Airflow

DAG = "nightly_dbt"
PAYMENTS = "order_id,paid\n1,30\n2,12\n"


def test_a_failed_try_is_resumed_by_airflows_retry_on_another_worker(airflow: Airflow, worker: Worker) -> None:
    airflow.trigger(DAG, "monday")
    airflow.wait_for(DAG, "monday", "build", "up_for_retry")
    failed = airflow.xcom("monday", "build", "dbt_retry_plus")
    worker.lose()
    worker.deliver("payments.csv", PAYMENTS)

    built = airflow.wait_for(DAG, "monday", "build", "success", tried=2)

    assert built.try_number == 2
    first, second = (airflow.log(DAG, "monday", "build", attempt) for attempt in (1, 2))
    assert "This is the first try" in first
    assert "ended with exit code 1" in first
    assert f"Try 2 resumes {failed['invocation_id']} (error)" in second
    assert "model main.orders" in first  # logs stream
    assert "model main.orders" not in second  # proven before
    assert "model main.revenue" in second
    assert (failed["exit_code"], failed["resumed"]) == (1, None)
    assert failed["counts"]["ERROR"] == 1
    told = airflow.xcom("monday", "build", "return_value")
    assert (told["exit_code"], told["resumed"], told["verdict"]) == (0, failed["invocation_id"], "recovered")
    assert told["fates"] == {"recovered": 4, "proven before": 3}
    assert told["reports"] == [f"html:{worker.reports}/monday.html"]
    assert "recovered" in (worker.reports / "monday.html").read_text()
    assert airflow.xcom("monday", "build", "dbt_retry_plus_report_url") == "https://reports.example.com/monday.html"
    airflow.wait_for(DAG, "monday", "check", "success")
    if airflow.port is not None:  # Airflow 2 asks for the link when somebody looks at the page
        assert airflow.xcom("monday", "build", "_link_RetryReportLink") == "https://reports.example.com/monday.html"
    assert "--store-failures" in airflow.log(DAG, "monday", "check", 1)
