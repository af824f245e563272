from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from dbt_retry_plus.cli.history import history
from dbt_retry_plus.cli.show import show
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.ledger.recorded import read_recorded
from dbt_retry_plus.ledger.summary import result_of
from tests.support.ledgers import begin, end, finish, invocation, record, selection, start

A, B = "model.shop.a", "model.shop.b"
DONE = (start(A), finish(A))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "dbt_project.yml").write_text("name: shop")
    return tmp_path


@pytest.fixture
def ledger(project: Path) -> LocalLedger:
    return LocalLedger(project / "target" / "retry_plus")


def results(project: Path) -> tuple[str, str]:
    """What `history` and `show` call the result of the only invocation."""
    options = ["--project-dir", str(project), "--output", "json"]
    (listed,) = json.loads(CliRunner().invoke(history, options).stdout)["invocations"]
    shown = json.loads(CliRunner().invoke(show, ["abc", *options]).stdout)
    return listed["result"], shown["result"]


@pytest.mark.parametrize(
    ("lines", "result"),
    [
        ((selection(A), *DONE, end()), "success"),
        ((selection(A), *DONE, end(success=None)), "success"),
        ((selection(A), *DONE, end(success=False)), "error"),
        ((selection(A), start(A), finish(A, "error"), end(success=False)), "error"),
        ((selection(A, B, expected=None), *DONE, end()), "error"),
        ((selection(A, B), *DONE), "interrupted"),
    ],
    ids=["all proven", "dbt did not say", "dbt says no", "a failed node", "a node that was not started", "no end"],
)
def test_history_and_show_agree_on_the_result(
    project: Path, ledger: LocalLedger, lines: tuple[dict[str, object], ...], result: str
) -> None:
    entry = record(ledger, "abc", *lines)
    assert results(project) == (result, result)
    assert result_of(read_recorded(entry)) == result


def test_what_is_running_is_not_interrupted(project: Path, ledger: LocalLedger) -> None:
    opened = begin(ledger, "abc", selection(A), start(A))
    assert results(project) == ("running", "running")
    opened.close()
    assert results(project) == ("interrupted", "interrupted")


def test_an_invocation_with_no_nodes_is_what_dbt_says_of_it() -> None:
    assert [result_of(invocation(succeeded=said)) for said in (True, None, False)] == ["success", "success", "error"]
