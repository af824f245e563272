"""Distributions with hooks, built and installed as a user would, on the oldest and the newest dbt-core."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.packaging.conftest import Built
from tests.packaging.virtual_environments import CHECKOUT, Environment, uv

SAMPLES = CHECKOUT / "integration_projects"
DBT = {
    "1.8": ("dbt-core~=1.8.0", "dbt-duckdb~=1.8.0", "duckdb<1.2"),
    "1.12": ("dbt-core~=1.12.0", "dbt-duckdb"),
}
# The newest Python of dbt-core 1.8.
PYTHON = "3.12" if sys.version_info >= (3, 13) else sys.executable

PROJECT = {
    "dbt_project.yml": "{name: shop, version: '1.0', profile: shop, config-version: 2}",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}",
    "models/rates.sql": "{{ config(materialized='table') }} select 1 as rate",
    "models/late.sql": (
        "{{ config(materialized='table') }} select rate {{ '' if var('open', false) else ', closed' }} from {{ ref('rates') }}"
    ),
    "rates.csv": "1",
}
ALWAYS, NEVER = "{from: '00:00', until: '23:59:59.999999'}", "{from: '00:00', until: '00:00'}"


@contextmanager
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A local server, and what was posted to it."""
    posted: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", posted
        server.shutdown()


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("samples")
    for name in ("third_party_plugin", "packaged_project"):
        uv("build", "-q", "--wheel", "--python", sys.executable, "--out-dir", folder, SAMPLES / name, folder=folder)
    return sorted(folder.glob("*.whl"))


@pytest.fixture(scope="module", params=DBT)
def environment(
    request: pytest.FixtureRequest, built: Built, wheels: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    environment = Environment.create(tmp_path_factory.mktemp("installed") / "environment", python=PYTHON)  # type: ignore[arg-type]
    environment.install(built.wheel, *wheels, *DBT[request.param])
    return environment


def dbt(environment: Environment, folder: Path, *arguments: str, exit_code: int, **variables: str) -> str:
    given = {"DBT_PROJECT_DIR": str(folder), "DBT_PROFILES_DIR": str(folder), "DBT_SEND_ANONYMOUS_USAGE_STATS": "0"}
    return environment.run("dbt", *arguments, environment={**given, **variables}, exit_code=exit_code).stdout


def test_a_third_party_vetoes_changes_and_reports(environment: Environment, tmp_path: Path) -> None:
    for path, text in {
        **PROJECT,
        "profiles.yml": PROJECT["profiles.yml"].replace("shop.duckdb", f"{tmp_path}/s.duckdb"),
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "rates.csv").touch()
    settings = tmp_path / "dbt_retry_plus.yml"
    own = "plugins: {night-shift: {freeze: %s, inputs: {model.shop.rates: rates.csv}, webhook: '%s'}}"
    repaired = ("--vars", "{open: true}")

    dbt(environment, tmp_path, "build", exit_code=1)
    settings.write_text("plugins: {night-shift: {freze: {}}}")
    wrong = dbt(environment, tmp_path, "retry-plus", *repaired, exit_code=2)
    assert (
        "line 1, plugins.night-shift.freze is no setting of the plugin 'night-shift'. Did you mean 'freeze'?" in wrong
    )
    with webhook() as (url, posted):
        settings.write_text(own % (ALWAYS, url))
        refused = dbt(environment, tmp_path, "retry-plus", *repaired, exit_code=2)
        assert "Wait until then, or pass --emergency. [night-shift/freeze-window]" in refused
        assert posted == []
        # What a macro reads is newer than what was built of it.
        (tmp_path / "rates.csv").write_text("2")
        done = dbt(environment, tmp_path, "retry-plus", "--emergency", *repaired, exit_code=0)
        assert "2 nodes run" in done
        assert posted == [{"command": "build", "nodes": ["model.shop.late", "model.shop.rates"], "success": True}]

    # Nobody listens any more: that is said, and stops nothing.
    settings.write_text(own % (NEVER, url))
    dbt(environment, tmp_path, "build", exit_code=1)
    done = dbt(environment, tmp_path, "retry-plus", *repaired, exit_code=0)
    assert "The hook retry_plus_after_execution of the plugin night-shift (night-shift 1.2.0) failed" in done

    # It knows an error of its own warehouse.
    asleep = "{{ config(materialized='table') }} select error('the warehouse is asleep') as id"
    (tmp_path / "models" / "asleep.sql").write_text(asleep)
    attempts = ("--attempts", "2", "--delay", "0s", "--jitter", "0s")
    failed = dbt(environment, tmp_path, "retry-plus", "exec", *attempts, "--", "run", "-s", "asleep", exit_code=1)
    assert "model.shop.asleep failed on attempt 1 of 2 (transient)" in failed


def test_it_is_listed_and_its_option_shown(environment: Environment) -> None:
    listed = json.loads(environment.run("dbt-retry-plus", "plugins", "--output", "json").stdout)["plugins"]
    (ours,) = (plugin for plugin in listed if plugin["name"] == "night-shift")
    assert (ours["distribution"], ours["version"], ours["problem"]) == ("night-shift", "1.2.0", None)
    assert ours["hooks"] == [
        "retry_plus_options",
        "retry_plus_settings",
        "retry_plus_check_record",
        "retry_plus_compare",
        "retry_plus_classify",
        "retry_plus_after_execution",
    ]
    assert "--emergency" in environment.run("dbt", "retry-plus", "--help").stdout


def test_a_packaged_project_is_retried_from_another_folder_with_its_settings_and_hooks(
    environment: Environment, tmp_path: Path
) -> None:
    folder = Path(environment.run("python", "-m", "harbour").stdout.strip())
    assert environment.root in folder.parents
    work = {"HARBOUR_WORK": str(tmp_path)}
    dbt(environment, folder, "build", exit_code=1, **work)

    done = dbt(environment, folder, "retry-plus", exit_code=0, **work, HARBOUR_OPEN="yes")

    assert "2 ships wait, and 1 are usual. Have patience. [harbour/queue]" in done
    assert "2 nodes run, 1 proven before" in done
    assert not (folder / "target").exists()
