"""A build that was killed on one machine and is finished on another, with the ledger on a real S3 API between them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.machines import Machine, new_machine
from tests.support.stores import FaultyProxy, S3Server, free_port

SCRIPT = str(Path(sys.executable).with_name("dbt-retry-plus"))

NewMachine = Callable[..., Machine]


@pytest.fixture
def url(s3_server: S3Server) -> str:
    return f"s3://{s3_server.new_bucket()}/ledger"


@pytest.fixture
def machine(tmp_path: Path, s3_server: S3Server, url: str) -> NewMachine:
    def make(name: str, **changes: int) -> Machine:
        return new_machine(tmp_path, name, url, s3_server.environment(), **changes)

    return make


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[FaultyProxy]:
    running = FaultyProxy(s3_server)
    yield running
    running.close()


def history(machine: Machine, url: str) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = json.loads(machine.run(SCRIPT, "history", "--ledger", url, "--output", "json"))[
        "invocations"
    ]
    return listed


def proven_in(machine: Machine) -> dict[str, set[str]]:
    """What the journals on a machine prove, by invocation."""
    found: dict[str, set[str]] = {}
    for journal in (machine.project.target / "retry_plus" / "invocations").glob("*/journal.jsonl"):
        lines = [json.loads(line) for line in journal.read_text().splitlines()]
        rows = [(line["node"], line["row"]["status"]) for line in lines if line["event"] == "finish"]
        found[journal.parent.name] = {node for node, status in rows if status in {"success", "pass"}}
    return found


@pytest.mark.every_minor
def test_a_build_killed_on_one_machine_is_finished_on_another(machine: NewMachine, url: str) -> None:
    first = machine("first", user=4242)
    first.killed("NodeFinished:20:0", "build")
    (proven,) = proven_in(first).values()
    first.lose()
    second = machine("second", user=4343)

    second.run("retry-plus", "--report", "json:report.json")

    again = second.started()
    shipped = proven_in(second)
    report = json.loads((second.project.folder / "report.json").read_text())
    (original,) = (
        found for invocation, found in shipped.items() if invocation != report["invocation"]["invocation_id"]
    )
    assert original, "nothing was shipped before the kill"
    assert original <= proven
    assert not again & original
    assert report["verdict"] == "recovered"
    assert set(second.project.statuses().values()) <= {"success", "pass", "no-op"}
    assert len(second.project.statuses()) >= 39
    assert [found["result"] for found in history(second, url)] == ["success", "interrupted"]

    newest = str(history(second, url)[0]["invocation_id"])
    assert "unproven  0 of" in second.run(SCRIPT, "show", newest, "--ledger", url)
    assert_reported_from_anywhere(second, url, report, killed=str(history(second, url)[1]["invocation_id"]))


def assert_reported_from_anywhere(machine: Machine, url: str, report: dict[str, object], *, killed: str) -> None:
    """With no project at hand: as it was kept, and made anew with the project's graph where none came to be kept."""
    nowhere = machine.folder / "nowhere"
    nowhere.mkdir()
    words = ("/bin/sh", "-c", 'cd "$0" && exec "$@"', str(nowhere), SCRIPT, "report", "--ledger", url)
    assert json.loads(machine.run(*words, "--format", "json")) == report
    first = json.loads(machine.run(*words, killed[:8], "--format", "json"))
    assert first["verdict"] == "interrupted"
    assert any(node["parents"] for node in first["nodes"])
    unknown = machine.run(*words, "no-such-id", exit_code=2)
    assert f"no invocation 'no-such-id' on the ledger in '{url}'" in unknown
    no_room = machine.run("/bin/sh", "-c", 'ulimit -f 20 && exec "$0" "$@"', *words[4:], exit_code=2)
    assert "could not be copied to" in no_room and "Traceback" not in no_room


def test_a_retry_killed_on_a_second_machine_is_finished_on_a_third(machine: NewMachine, url: str) -> None:
    first = machine("first")
    first.killed("NodeFinished:8:0", "build", "--exclude", "customer_segments")
    first.lose()
    second = machine("second")
    second.killed("NodeFinished:4:0", "retry-plus")
    second.lose()
    third = machine("third")

    assert "Resumed from" in third.run("retry-plus")

    assert [found["result"] for found in history(third, url)] == ["success", "interrupted", "interrupted"]
    statuses = third.project.statuses()
    assert set(statuses.values()) <= {"success", "pass", "no-op"}
    assert "model.jaffle_shop.customers" in statuses
    assert "model.jaffle_shop.customer_segments" not in statuses, "the recorded --exclude counts"


def test_a_second_retry_is_refused_while_the_first_one_runs(machine: NewMachine, url: str) -> None:
    first = machine("first")
    first.killed("NodeFinished:8:0", "build")
    second, third = machine("second"), machine("third")

    with second.start("retry-plus", HOLD_AT="ConcurrencyLine", PYTHONPATH=str(holding_plugin(second))) as running:
        wait_until((second.folder / "holding").exists)
        refused = third.run("retry-plus", exit_code=2)
        listed = [found["result"] for found in history(third, url)]
        (second.folder / "go").touch()
        said, _ = running.communicate(timeout=300)

    assert running.returncode == 0, said
    assert "Another retry of invocation" in refused
    assert "is running (process " in refused
    assert listed[0] == "running"
    assert "Nothing to retry" in third.run("retry-plus")


def holding_plugin(machine: Machine) -> Path:
    """A dbt plugin that holds its process up at an event until a file appears."""
    folder = machine.folder / "plugin"
    folder.mkdir()
    (folder / "dbt_a_holding_plugin.py").write_text(
        "import os, time\n"
        "from pathlib import Path\n"
        "from dbt.plugins.manager import dbtPlugin\n"
        "from dbt_common.events.event_manager_client import add_callback_to_manager\n"
        "def hold(message):\n"
        "    home = Path(os.environ['HOME'])\n"
        "    if message.info.name == os.environ.get('HOLD_AT') and not (home / 'holding').exists():\n"
        "        (home / 'holding').touch()\n"
        "        while not (home / 'go').exists():\n"
        "            time.sleep(0.05)\n"
        "class HoldingPlugin(dbtPlugin):\n"
        "    def initialize(self):\n"
        "        add_callback_to_manager(hold)\n"
        "plugins = [HoldingPlugin]\n"
    )
    return folder


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_store_that_fails_is_one_warning_while_building_and_an_error_while_retrying(
    machine: NewMachine, s3_server: S3Server, proxy: FaultyProxy
) -> None:
    first = machine("first")
    through_proxy = s3_server.environment(proxy.port)
    proxy.status = 500
    built = first.run("build", "--select", "raw_customers", **through_proxy)
    assert proxy.requests
    assert built.count("dbt-retry-plus could not bring the record of this invocation to s3://") == 1

    nobody = s3_server.environment(free_port())
    for options in ([], ["--force"], ["--dry-run"]):
        refused = first.run("retry-plus", *options, exit_code=2, **nobody)
        assert "cannot be reached" in refused
        assert "[ledger-unreachable]" in refused
    passed = first.run("retry-plus", "--ledger-optional", **nobody)
    assert "Nothing to retry" in passed
    assert "[ledger-unreachable]" in passed

    proxy.status = None
    first.run("build", "--select", "raw_customers", **through_proxy)
    assert "Nothing to retry" in machine("second").run("retry-plus")


def test_environments_are_kept_apart(machine: NewMachine) -> None:
    first = machine("first")
    first.run("seed", "--target", "duckdb_production")
    second = machine("second")

    refused = second.run("retry-plus", exit_code=2)

    assert "has records of other environments of this project (duckdb_production-" in refused
    assert "Nothing to retry" in second.run("retry-plus", "--target", "duckdb_production")


def test_an_invocation_is_found_by_its_tag_on_another_machine(machine: NewMachine, proxy: FaultyProxy) -> None:
    first = machine("first")
    first.run("seed", DBT_RETRY_PLUS_TAG="other task")
    first.killed("NodeFinished:20:0", "build", DBT_RETRY_PLUS_TAG="load/42")
    first.run("seed", DBT_RETRY_PLUS_TAG="other task")
    first.lose()
    second = machine("second")

    found = json.loads(second.run("retry-plus", "find", "--tag", "load/42", "--output", "json"))

    assert found["result"] == "interrupted"
    second.run("retry-plus", "--invocation", found["invocation_id"], "--expect-invocation", found["invocation_id"])
    assert second.run("retry-plus", "find", "--tag", "load/43", exit_code=1) == ""
    assert set(second.project.statuses().values()) <= {"success", "pass", "no-op"}
    proxy.status = 503
    options = {"endpoint_url": f"http://127.0.0.1:{proxy.port}", "config_kwargs": {"retries": {"max_attempts": 1}}}
    said = second.run("retry-plus", "find", "--tag", "load/42", exit_code=2, FSSPEC_S3=json.dumps(options))
    assert "cannot be reached" in said
