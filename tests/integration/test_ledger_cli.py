"""The ledger as a user meets it: what is recorded, what is shown of it, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dbt_retry_plus.ledger.fsspec_store import open_url
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.ledger.remote import RemoteLedger
from dbt_retry_plus.ledger.shipping import Shipment
from dbt_retry_plus.ledger.store import Guarded
from tests.conftest import ProjectFactory
from tests.support.ledgers import ran, record
from tests.support.projects import DbtProject

SCRIPT = Path(sys.executable).with_name("dbt-retry-plus")


def script(project: DbtProject, *arguments: str, exit_code: int = 0) -> str:
    """What `dbt-retry-plus` prints, which must do without dbt."""
    without_dbt = {**project.environment, "PYTHONVERBOSE": "1"}
    done = subprocess.run(
        [str(SCRIPT), *arguments], cwd=project.folder, env=without_dbt, capture_output=True, text=True, check=False
    )
    assert done.returncode == exit_code, done.stdout + done.stderr[-2000:]
    assert "import 'dbt.cli" not in done.stderr
    return done.stdout


def ids(project: DbtProject) -> list[str]:
    listed = json.loads(script(project, "history", "--output", "json"))
    return [invocation["invocation_id"] for invocation in listed["invocations"]]


def test_history_and_show(project_after: ProjectFactory) -> None:
    project = project_after("build", failing=("orders",))
    project.clear_switches()
    project.dbt("retry-plus", exit_code=0)

    retry, build = ids(project)
    table = script(project, "history").splitlines()
    assert table[0].split() == ["ID", "WHEN", "COMMAND", "RESULT", "NODES", "DURATION", "RETRY", "OF", "RETRIED", "BY"]
    assert retry[:8] in table[1] and "success" in table[1] and build[:8] in table[1]
    assert build[:8] in table[2] and "error" in table[2] and "ERROR=1" in table[2]
    assert len(script(project, "history", "--limit", "1").splitlines()) == 2

    shown = json.loads(script(project, "show", build[:8], "--output", "json"))
    assert shown["chain"] == [build, retry]
    assert shown["unproven"] == []
    assert {o["unique_id"]: o["status"] for o in shown["outcomes"]}["model.jaffle_shop.orders"] == "error"
    assert "model.jaffle_shop.orders" in script(project, "show", build)
    # The same through dbt, from another folder.
    through_dbt = project.dbt(
        *("retry-plus", "--project-dir", str(project.folder), "history", "--output", "json"),
        folder=project.folder.parent,
        environment={"DBT_PROFILES_DIR": str(project.folder)},
        exit_code=0,
    )
    assert [i["invocation_id"] for i in json.loads(through_dbt.stdout)["invocations"]] == [retry, build]


def test_nothing_on_record(new_project: ProjectFactory) -> None:
    project = new_project()
    assert script(project, "history").startswith("There are no invocations on the ledger in ")
    assert script(project, "show", "abc", exit_code=2) == ""


def test_an_invocation_is_named_and_expected(project_after: ProjectFactory) -> None:
    project = project_after("build", failing=("orders",))
    project.clear_switches()
    project.dbt("run", "--select", "stg_orders", exit_code=0)
    newest, build = ids(project)

    refused = project.dbt("retry-plus", "--expect-invocation", build, exit_code=2).stdout
    assert f"The invocation to retry is {newest}, and --expect-invocation asks for '{build}'." in refused
    unknown = project.dbt("retry-plus", "--invocation", "nothing", exit_code=2).stdout
    assert "There is no invocation 'nothing' on the ledger" in unknown

    done = project.dbt("retry-plus", "--invocation", build[:6], "--expect-invocation", build, exit_code=0).stdout
    assert f"Resumed from {build[:8]} (`dbt build`" in done


def test_recording_can_be_turned_off_and_the_results_of_dbt_do(new_project: ProjectFactory) -> None:
    project = new_project()
    project.set_switch("orders")
    project.dbt("build", environment={"DBT_RETRY_PLUS_RECORD": "0"}, exit_code=1)
    assert not (project.target / "retry_plus").exists()
    project.clear_switches()

    # A model that the interrupted run had not come to is not in its results; the manifest beside them names it.
    results = project.run_results()
    results["results"] = [row for row in results["results"] if not row["unique_id"].endswith(".customers")]
    (project.target / "run_results.json").write_text(json.dumps(results))
    done = project.dbt("retry-plus", exit_code=0).stdout
    assert "OK created sql table model main.orders" in done
    assert "OK created sql table model main.customers" in done
    assert project.statuses()["model.jaffle_shop.stg_orders"] == "success"
    assert len(ids(project)) == 2, "what was retried is on the ledger too"


def test_vars_with_keys_that_json_lacks_are_recorded_and_accepted(new_project: ProjectFactory) -> None:
    project = new_project()
    project.set_switch("orders")
    # dbt runs all nodes, and then cannot write its results.
    built = project.dbt("build", "--vars", "{days: {2020-01-01: a}}").stdout
    assert "does not record this invocation" not in built
    project.clear_switches()

    done = project.dbt("retry-plus", "--vars", "{more: {2021-01-01: b}}", exit_code=0).stdout
    assert "OK created sql table model main.orders" in done
    assert "OK created sql view model main.stg_orders" not in done
    assert project.run_results()["args"]["vars"] == {"days": {"2020-01-01": "a"}, "more": {"2021-01-01": "b"}}


def test_a_ledger_outside_of_the_target_folder_survives_dbt_clean(new_project: ProjectFactory) -> None:
    project = new_project()
    (project.folder / "dbt_retry_plus.yml").write_text("ledger: .ledger\n")
    project.set_switch("orders")
    project.dbt("build", exit_code=1)
    project.clear_switches()
    project.dbt("clean", "--no-clean-project-files-only", exit_code=0)
    project.dbt("deps", exit_code=0)
    assert not project.target.exists()

    assert "14 nodes run" in project.dbt("retry-plus", exit_code=0).stdout.replace("15 nodes run", "14 nodes run")


def test_the_ledger_is_bounded(new_project: ProjectFactory) -> None:
    project = new_project()
    for _ in range(3):
        project.dbt("seed", environment={"DBT_RETRY_PLUS_KEEP_INVOCATIONS": "2"}, exit_code=0)
    assert len(ids(project)) == 2


def test_settings_that_are_wrong_stop_a_retry_and_not_dbt(new_project: ProjectFactory) -> None:
    project = new_project()
    (project.folder / "dbt_retry_plus.yml").write_text("keep_invocation: 3\n")
    built = project.dbt("seed", exit_code=0).stdout
    assert "does not record this invocation" in built
    refused = project.dbt("retry-plus", exit_code=2).stdout
    assert "line 1, has the unknown setting 'keep_invocation'. Did you mean 'keep_invocations'?" in refused
    assert "Traceback" not in built + refused


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_target_folder_that_cannot_hold_a_ledger(new_project: ProjectFactory) -> None:
    project = new_project()
    project.target.mkdir()
    (project.target / "retry_plus").touch(mode=0o000)
    assert "does not record this invocation" in project.dbt("seed", exit_code=0).stdout


def test_a_ledger_that_is_a_file_records_nothing_and_stops_nothing(new_project: ProjectFactory) -> None:
    project = new_project()
    project.target.mkdir()
    (project.target / "retry_plus").write_text("not a folder")
    built = project.dbt("seed", exit_code=0).stdout
    assert built.count("does not record this invocation") == 1
    assert "Traceback" not in built


def test_two_retries_at_once(project_after: ProjectFactory) -> None:
    project = project_after("build", failing=("orders",))
    project.set_switch("orders", fail=False, seconds=8)
    with subprocess.Popen(
        [str(SCRIPT)], cwd=project.folder, env=project.environment, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        for line in first.stdout:
            if "START sql table model main.orders" in line:
                break
        second = project.dbt("retry-plus", exit_code=2).stdout
        assert f"Another retry of the same target folder is running (process {first.pid} on" in second
        first.stdout.read()
    assert first.returncode == 0


def from_anywhere(folder: Path, *arguments: str, exit_code: int = 0) -> str:
    """What `dbt-retry-plus` says in a folder without a project, which must do without dbt."""
    environment = {**os.environ, "PYTHONVERBOSE": "1"}
    done = subprocess.run(
        [str(SCRIPT), *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == exit_code, done.stdout + done.stderr[-2000:]
    assert "import 'dbt.cli" not in done.stderr
    said = [line for line in done.stderr.splitlines() if "ledger" in line and not line.startswith(("import ", "#"))]
    return "\n".join([done.stdout, *said])


def test_a_ledger_elsewhere_is_looked_at_without_a_project(tmp_path: Path) -> None:
    pytest.importorskip("fsspec", reason="fsspec is not installed")
    ledger = LocalLedger(tmp_path / "there")
    entry = record(ledger, "4f3a91c0-1", *ran({"model.a": "error"}))
    remote = RemoteLedger(lambda: Guarded(open_url(f"file://{tmp_path}/store")), "", "shop", "dev")
    Shipment(entry, remote, new=True).ship()

    for place in (f"file://{tmp_path}/store", str(tmp_path / "there")):
        assert "4f3a91c0" in from_anywhere(tmp_path, "history", "--ledger", place)
        assert "model.a" in from_anywhere(tmp_path, "show", "4f3", "--ledger", place)
    nothing = f"file://{tmp_path}/nothing"
    assert f"no invocations on the ledger in '{nothing}'" in from_anywhere(tmp_path, "history", "--ledger", nothing)
    assert "model.a" in from_anywhere(tmp_path, "report", "4f3", "--ledger", str(tmp_path / "there"))
    none = from_anywhere(tmp_path, "report", "--ledger", nothing, exit_code=2)
    assert f"There is no retry on the ledger in '{nothing}'" in none
    unknown = from_anywhere(tmp_path, "history", "--ledger", "nosuch://x", exit_code=2)
    assert "The ledger in nosuch://x cannot be reached: fsspec knows no nosuch://" in unknown
    refused = from_anywhere(tmp_path, "history", "--ledger", "s3://key:hush@bucket", exit_code=2)
    assert "--ledger gives a ledger (s3://bucket) with credentials in its URL" in refused
    assert "hush" not in refused


def test_the_newest_invocation_with_a_tag_is_found(new_project: ProjectFactory) -> None:
    project = new_project()
    tag = {"DBT_RETRY_PLUS_TAG": "nightly/2026-01-02"}
    project.set_switch("orders")
    project.dbt("build", environment=tag, exit_code=1)
    (build,) = ids(project)
    project.clear_switches()
    project.dbt("run", "--select", "stg_orders", exit_code=0)

    def found(tag: str, exit_code: int, *more: str) -> str:
        return project.dbt("retry-plus", "find", "--tag", tag, *more, exit_code=exit_code).stdout

    assert found(tag["DBT_RETRY_PLUS_TAG"], 0) == f"{build}\n"
    assert found("nightly", 1) == ""
    document = json.loads(found("nightly/2026-01-02", 0, "--output", "json"))
    assert (document["result"], document["chain"]) == ("error", [build])
    assert document["unproven"] > 0
    assert json.loads(found("nightly", 1, "--output", "json"))["invocation_id"] is None

    resume = ("--invocation", build, "--expect-invocation", build)
    project.dbt("retry-plus", *resume, environment=tag, exit_code=0)

    document = json.loads(found("nightly/2026-01-02", 0, "--output", "json"))
    assert (document["result"], document["unproven"]) == ("success", 0)
    assert document["chain"] == [build, document["invocation_id"]]
    listed = json.loads(script(project, "history", "--tag", "nightly/2026-01-02", "--output", "json"))["invocations"]
    assert [invocation["invocation_id"] for invocation in listed] == [document["invocation_id"], build]
    assert {invocation["tag"] for invocation in listed} == {"nightly/2026-01-02"}
