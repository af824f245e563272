"""The projects of integration_projects/ build on every warehouse, and their switches do what they say."""

from __future__ import annotations

import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ProjectFactory
from tests.support.postgres import PostgresServer
from tests.support.projects import LEDGER, PROJECTS, Adapter, DbtProject, dbt_program

DBT_MINOR = tuple(int(part) for part in importlib.metadata.version("dbt-core").split(".")[:2])
FAILED = {"error", "fail", "partial success"}
DAYS = ("--event-time-start", "2024-01-01", "--event-time-end", "2024-01-06")

needs_microbatch = pytest.mark.skipif(DBT_MINOR < (1, 9), reason="dbt knows microbatch from 1.9 on")


def names(statuses: dict[str, str], wanted: set[str]) -> set[str]:
    """The names of the nodes that have one of these statuses; a unique id ends with the name or with a hash."""
    return {
        parts[-2] if parts[0] == "test" and len(parts) == 4 else parts[-1]
        for parts in (unique_id.split(".") for unique_id, status in statuses.items() if status in wanted)
    }


def test_it_builds_twice_without_a_warning(jaffle_shop: DbtProject) -> None:
    for _ in range(2):
        jaffle_shop.dbt("--warn-error", "build", exit_code=0)
        statuses = jaffle_shop.statuses()
        assert set(statuses.values()) <= {"success", "pass", "no-op"}, statuses
    assert jaffle_shop.relations() == {
        "history.order_history": 8,
        "landing.exchange_rates": 2,
        "main.customers": 5,
        "main.daily_revenue": 6,
        "main.order_statuses": 4,
        "main.orders": 8,
        "main.orders_in_dollars": 8,
        "main.raw_customers": 5,
        "main.raw_orders": 8,
        "main.raw_payments": 9,
        "main.stg_customers": 5,
        "main.stg_exchange_rates": 2,
        "main.stg_orders": 8,
        "main.stg_payments": 9,
        "main_reporting.customer_segments": 5,
    }
    kinds = {unique_id.split(".")[0] for unique_id in jaffle_shop.statuses()}
    assert kinds >= {"model", "seed", "snapshot", "test", "unit_test"}


# In each group no node is above another one, so that all of them get to fail in one build.
@pytest.mark.parametrize(
    ("switched", "skipped"),
    [
        ({"raw_customers", "order_statuses", "stg_exchange_rates", "no_payment_is_negative"}, {"customers", "orders"}),
        ({"daily_revenue", "order_history", "spending_decides_the_segment"}, {"customer_segments"}),
        ({"an_order_without_payment_has_amount_zero"}, {"orders", "not_null_orders_order_id"}),
    ],
    ids=["seed_package_view_test", "incremental_snapshot_unit_test", "unit_test_above_a_table"],
)
def test_a_switched_node_fails_until_it_is_switched_back(
    jaffle_shop: DbtProject, switched: set[str], skipped: set[str]
) -> None:
    for node in switched:
        jaffle_shop.set_switch(node)

    jaffle_shop.dbt("build", exit_code=1)

    statuses = jaffle_shop.statuses()
    assert names(statuses, FAILED) == switched
    assert names(statuses, {"skipped"}) >= skipped
    jaffle_shop.clear_switches()
    jaffle_shop.dbt("retry", exit_code=0)
    statuses = jaffle_shop.statuses()
    assert names(statuses, {"success", "pass"}) >= switched | skipped
    assert not names(statuses, FAILED | {"skipped"})


def test_a_switched_test_warns_fails_or_cannot_run(jaffle_shop: DbtProject) -> None:
    jaffle_shop.set_switch("payment_method_is_known")
    jaffle_shop.set_switch("unique_stg_orders_order_id")
    jaffle_shop.set_switch("orders_have_a_customer", fail=False, error=True, message="no connection today")
    jaffle_shop.dbt("build", "--exclude", "marts", exit_code=1)

    statuses = jaffle_shop.statuses()
    assert names(statuses, {"warn"}) == {"payment_method_is_known"}
    assert names(statuses, {"fail"}) == {"unique_stg_orders_order_id"}
    assert names(statuses, {"error"}) == {"orders_have_a_customer"}
    messages = {result["message"] for result in jaffle_shop.run_results()["results"]}
    assert any("no connection today" in message for message in messages if message)


def test_the_var_fails_nodes_through_the_arguments(jaffle_shop_duckdb: DbtProject) -> None:
    nodes = ["orders_in_dollars", "unique_daily_revenue_order_date"]
    jaffle_shop_duckdb.dbt("build", "--vars", json.dumps({"fail_nodes": nodes}), exit_code=1)
    assert names(jaffle_shop_duckdb.statuses(), FAILED) == set(nodes)

    jaffle_shop_duckdb.dbt("retry", exit_code=1)
    assert names(jaffle_shop_duckdb.statuses(), FAILED) == set(nodes)
    jaffle_shop_duckdb.dbt("retry", "--vars", json.dumps({"fail_nodes": []}), exit_code=0)


@pytest.mark.parametrize("hook", ["on_run_start", "on_run_end"])
def test_hooks_have_switches(jaffle_shop_duckdb: DbtProject, hook: str) -> None:
    jaffle_shop_duckdb.set_switch(hook)
    done = jaffle_shop_duckdb.dbt("seed")
    assert f"{hook} was told to fail by control.switches" in done.stdout
    assert done.returncode != 0
    jaffle_shop_duckdb.clear_switches(hook)
    jaffle_shop_duckdb.dbt("seed", exit_code=0)


def test_a_slow_node_waits_and_can_be_interrupted(jaffle_shop: DbtProject) -> None:
    jaffle_shop.set_switch("raw_orders", fail=False, seconds=2)
    jaffle_shop.dbt("seed", exit_code=0)
    times = {result["unique_id"]: result["execution_time"] for result in jaffle_shop.run_results()["results"]}
    assert times["seed.jaffle_shop.raw_orders"] > 2
    assert times["seed.jaffle_shop.raw_customers"] < 2

    jaffle_shop.set_switch("raw_orders", fail=False, seconds=60)
    interrupted = time.monotonic()
    seeding = subprocess.Popen(
        [str(dbt_program()), "seed", "--select", "raw_orders"],
        cwd=jaffle_shop.folder,
        env=dict(jaffle_shop.environment),
        stdout=subprocess.PIPE,
        text=True,
    )
    with seeding:
        assert seeding.stdout is not None
        for line in seeding.stdout:
            if "START seed file" in line:
                time.sleep(0.5)
                interrupted = time.monotonic()
                seeding.send_signal(signal.SIGINT)
    assert seeding.returncode != 0
    assert time.monotonic() - interrupted < 40


def test_an_operation_records_its_arguments(jaffle_shop: DbtProject) -> None:
    details = {"owner": {"name": 'Ann "the boss"'}, "tags": ["a", "it's", None, 3]}
    arguments = json.dumps({"note": 'it\'s "done"', "details": details})
    jaffle_shop.set_switch("record_note")
    jaffle_shop.dbt("run-operation", "record_note", "--args", arguments, exit_code=1)
    jaffle_shop.clear_switches()
    jaffle_shop.dbt("run-operation", "record_note", "--args", arguments, exit_code=0)

    [(note, recorded)] = jaffle_shop.fetch("select note, details from control.notes")
    assert note == 'it\'s "done"'
    assert json.loads(recorded) == details


def test_selectors_select(jaffle_shop_duckdb: DbtProject) -> None:
    def selected(selector: str) -> set[str]:
        listed = jaffle_shop_duckdb.dbt(
            "--quiet", "ls", "--selector", selector, "--resource-type", "model", "--output", "name", exit_code=0
        )
        return set(listed.stdout.split())

    staging = {"stg_customers", "stg_exchange_rates", "stg_orders", "stg_payments"}
    assert selected("staging") == staging
    marts = {"customers", "customer_segments", "daily_revenue", "orders", "orders_in_dollars"}
    assert selected("nightly") == staging | marts | {"order_payments"}


def test_the_marts_are_cloned_from_production(jaffle_shop: DbtProject) -> None:
    jaffle_shop.dbt("build", "--target", f"{jaffle_shop.adapter}_production", exit_code=0)
    (jaffle_shop.folder / "target").rename(jaffle_shop.folder / "state")
    jaffle_shop.dbt("clone", "--state", "state", "--select", "marts", exit_code=0)
    relations = jaffle_shop.relations()
    assert relations["production.orders"] == relations["main.orders"] == 8


def test_deps_installs_the_packages(jaffle_shop_duckdb: DbtProject) -> None:
    packages = jaffle_shop_duckdb.folder / "dbt_packages"
    packages.rename(jaffle_shop_duckdb.folder / "packages_of_the_copy")
    jaffle_shop_duckdb.dbt("deps", exit_code=0)
    assert {package.name for package in packages.iterdir()} == {"shop_macros", "switches"}
    jaffle_shop_duckdb.dbt("parse", exit_code=0)


@needs_microbatch
def test_chosen_batches_fail(new_project: ProjectFactory, adapter: Adapter) -> None:
    project = new_project("microbatch", adapter)
    project.set_switch("events_by_day/20240103")
    project.set_switch("events_by_day/20240105")
    project.dbt("--warn-error", "build", *DAYS, exit_code=1)

    days = "select extract(day from day), amount from main.events_by_day order by 1"
    assert project.fetch(days) == [(1, 30), (2, 30), (4, 60)]
    statuses = project.statuses()
    assert names(statuses, FAILED) == {"events_by_day"}
    assert names(statuses, {"skipped"}) >= {"running_total"}
    project.clear_switches()
    project.dbt("build", *DAYS, exit_code=0)
    assert project.fetch(days) == [(1, 30), (2, 30), (3, 90), (4, 60), (5, 70)]
    assert project.relations()["main.running_total"] == 5


@needs_microbatch
def test_microbatch_without_days_has_batches_up_to_today(new_project: ProjectFactory, adapter: Adapter) -> None:
    project = new_project("microbatch", adapter)
    done = project.dbt("build", exit_code=0)
    assert "Batch 4 of 4 OK" in done.stdout


def test_a_copy_of_a_project_that_ran_stands_alone(project_after: ProjectFactory) -> None:
    first = project_after("build", failing=("orders",), folder="first")
    second = project_after("build", failing=("orders",), folder="second")
    assert names(first.statuses(), FAILED) == names(second.statuses(), FAILED) == {"orders"}

    first.clear_switches()
    first.edit("seeds/raw_orders.csv", "8,3,2024-01-06,placed\n", "")
    first.dbt("retry", exit_code=0)
    assert first.relations()["main.orders"] == 8  # `retry` leaves the seed alone
    first.dbt("build", exit_code=0)
    assert first.relations()["main.orders"] == 7
    second.dbt("retry", exit_code=1)
    files = [file for file in (second.folder / "target").rglob("*") if file.is_file() and LEDGER not in file.parts]
    assert files
    assert [file for file in files if b"/template0/" in file.read_bytes()] == []


def test_tests_leave_the_projects_themselves_clean() -> None:
    made_by_dbt = [path for name in ("target", "dbt_packages", "logs") for path in PROJECTS.glob(f"*/{name}")]
    assert made_by_dbt == []


@pytest.mark.postgres
def test_killed_tests_leave_no_server_behind(postgres_server: PostgresServer) -> None:
    assert postgres_server.create_database() != postgres_server.create_database()
    script = (
        "import os, signal\n"
        "from tests.support.postgres import running_postgres\n"
        "with running_postgres() as server:\n"
        "    print(server.host, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ},
    )
    folder = Path(killed.stdout.strip())
    assert folder.name.startswith("pg-"), killed.stderr
    deadline = time.monotonic() + 20
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not folder.exists()
