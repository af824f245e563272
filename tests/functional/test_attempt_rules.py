"""When attempts follow each other, and what ends them: the simplest of nodes, each of which asks a service that fails."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.faults.scene import failed_attempts, journals, lines_of
from tests.support.differential import Retry
from tests.support.inline_projects import InlineProject, Workshop
from tests.support.invocations import DBT_SCRIPT, Invocation
from tests.support.services import Service, running_service

ALWAYS, GONE = (503,) * 50, (404,) * 50
QUICK = ("--delay", "0.1s", "--jitter", "0s", "--threads", "1")
# Shells let what they start in the background ignore it, and children inherit that.
_LISTENING_TO_CTRL_C = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
)
_MODEL = """
import os
import requests

def model(dbt, session):
    {parents}
    answer = requests.get(os.environ["SERVICE"] + "{name}", timeout=30)
    answer.raise_for_status()
    return session.sql(f"select {{int(answer.text)}} as answered")
"""


def asking(name: str, *parents: str) -> dict[str, str]:
    """A model that is there when the service has answered."""
    read = "; ".join(f'dbt.ref("{parent}")' for parent in parents) or "pass"
    return {f"models/{name}.py": _MODEL.format(name=name, parents=read)}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running_service() as service:
        yield service


@pytest.fixture
def failed(workshop: Workshop, service: Service) -> InlineProject:
    """`first` and `second` have failed; `last` reads `second`."""
    project = InlineProject(
        {**asking("first"), **asking("second"), **asking("last", "second")}, environment={"SERVICE": service.url}
    )
    service.answer(first=GONE, second=GONE)
    workshop.restore(workshop.prepare(project))
    return project


def retried(workshop: Workshop, project: InlineProject, *options: str) -> tuple[Invocation, list[Mapping[str, Any]]]:
    """Retry, and return the raw lines of the journal with it."""
    target = workshop.stage / "project"
    before = journals(target)
    ran = workshop.run(project, Retry(arguments=shlex.join(options)), "retry-plus")
    (journal,) = journals(target) - before
    return ran.invocation, lines_of(journal)


def numbers(lines: list[Mapping[str, Any]], node: str) -> list[tuple[int, bool]]:
    """The failed attempts of a node, and after which of them another one was to come."""
    return [
        (line["number"], line["delay"] is not None)
        for line in failed_attempts(lines)
        if line["node"] == f"model.shop.{node}"
    ]


def test_a_node_that_waits_gives_its_thread_back(workshop: Workshop, failed: InlineProject, service: Service) -> None:
    service.answer(first=(503,))

    done, lines = retried(workshop, failed, "--attempts", "2", *QUICK)

    assert done.exit_code == 0, done.output
    assert sorted(service.asked) == ["first", "first", "last", "second"]
    assert service.asked != ["first", "first", "second", "last"], "the only thread had nothing to do meanwhile"
    assert numbers(lines, "first") == [(1, True)]


def test_fail_fast_trips_when_the_attempts_are_used_up(
    workshop: Workshop, failed: InlineProject, service: Service
) -> None:
    service.answer(second=(503,))
    done, lines = retried(workshop, failed, "--fail-fast", "--attempts", "2", *QUICK)
    assert done.exit_code == 0, done.output
    assert numbers(lines, "second") == [(1, True)]

    workshop.restore(workshop.prepare(failed))
    service.answer(second=ALWAYS)
    done, lines = retried(workshop, failed, "--fail-fast", "--attempts", "3", *QUICK)
    assert done.exit_code == 1
    assert numbers(lines, "second") == [(1, True), (2, True), (3, False)]
    assert "last" not in service.asked


def test_nothing_is_tried_again_unless_it_is_asked_for(
    workshop: Workshop, failed: InlineProject, service: Service
) -> None:
    service.answer(first=(503,))
    done, lines = retried(workshop, failed, *QUICK)
    assert done.exit_code == 1
    assert numbers(lines, "first") in ([], [(1, False)])
    assert service.asked.count("first") == 1


def test_what_will_not_pass_costs_one_attempt(workshop: Workshop, failed: InlineProject, service: Service) -> None:
    service.answer(first=GONE)
    done, lines = retried(workshop, failed, "--attempts", "5", *QUICK)
    assert done.exit_code == 1
    assert numbers(lines, "first") == [(1, False)]
    assert sorted(service.asked) == ["first", "last", "second"]


def test_a_budget_of_attempts_is_for_all_nodes(workshop: Workshop, failed: InlineProject, service: Service) -> None:
    service.answer(first=ALWAYS, second=ALWAYS)
    done, lines = retried(workshop, failed, "--attempts", "5", "--attempt-budget", "3", *QUICK)
    assert done.exit_code == 1
    assert service.asked.count("first") + service.asked.count("second") == 2 + 3
    assert sum(line["delay"] is not None for line in failed_attempts(lines)) == 3


def test_no_attempt_begins_after_the_time_budget(workshop: Workshop, failed: InlineProject, service: Service) -> None:
    service.answer(first=ALWAYS)
    late = ("--delay", "10m", "--max-delay", "10m", "--time-budget", "5m")
    done, lines = retried(workshop, failed, "--attempts", "5", *late)
    assert done.exit_code == 1
    assert numbers(lines, "first") == [(1, False)]


def test_a_pattern_decides_before_the_class(workshop: Workshop, failed: InlineProject, service: Service) -> None:
    service.answer(first=GONE[:1], second=(503,))
    only = ("--only-rerun", "404 Client Error")
    done, lines = retried(workshop, failed, "--attempts", "2", *only, *QUICK)
    assert done.exit_code == 1
    assert numbers(lines, "first") == [(1, True)]
    assert numbers(lines, "second") == [(1, False)]


def test_a_flaky_node_fails_the_command_where_that_is_asked_for(
    workshop: Workshop, failed: InlineProject, service: Service
) -> None:
    service.answer(first=(503,))
    done, _ = retried(workshop, failed, "--attempts", "2", "--fail-on-flaky", *QUICK)
    assert done.exit_code == 1
    assert "Nothing to retry" in workshop.run(failed, Retry(), "retry-plus").invocation.output


@pytest.mark.parametrize("threads", ["1", "4"])
def test_ctrl_c_stops_a_node_that_waits(
    workshop: Workshop, failed: InlineProject, service: Service, threads: str
) -> None:
    service.answer(first=ALWAYS)
    project = workshop.stage / "project"
    before = journals(project)
    patient = ("--attempts", "5", "--delay", "60s", "--max-delay", "60s", "--threads", threads)
    with subprocess.Popen(
        [sys.executable, "-c", _LISTENING_TO_CTRL_C, str(DBT_SCRIPT), "retry-plus", *patient],
        cwd=project,
        env=dict(workshop.dbt(failed).environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        journal = _journal_with_all_done_but_the_waiting_one(project, before, process)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=40)

    assert process.returncode == 2, output  # as of any dbt command
    assert "Exited because of keyboard interrupt" in output
    assert not any(line["event"] == "end" and line["complete"] for line in lines_of(journal)), lines_of(journal)
    assert numbers(lines_of(journal), "first")[0][0] == 1

    service.answer()
    done, _ = retried(workshop, failed, *QUICK)
    assert done.exit_code == 0, done.output
    assert service.asked == ["first"]


def _journal_with_all_done_but_the_waiting_one(
    project: Path, before: frozenset[Path], process: subprocess.Popen[str]
) -> Path:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        for journal in journals(project) - before:
            finished = {line["node"] for line in lines_of(journal) if line["event"] == "finish"}
            if numbers(lines_of(journal), "first") and "model.shop.last" in finished:
                return journal
        time.sleep(0.02)
    raise AssertionError(f"no node came to wait: {process.communicate()[0]}")
