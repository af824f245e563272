"""Options that cannot be honoured together, or at all, are refused in one sentence: exit 2, nothing changed.

Where two contradict each other `dbt retry` shows a traceback (row 35 of "How it differs from dbt retry").
"""

from __future__ import annotations

import pytest

from tests.functional.refusals import PROJECT, refused, usage_error
from tests.support.differential import Retry
from tests.support.inline_projects import Workshop

TWICE = "is given both before and after the command. Give it once."
EXCLUSIVE = "--warn-error and --warn-error-options exclude each other. Give only one."
OPTIONS = "--warn-error-options '{error: [Note]}'"

CONTRADICTIONS = {
    "twice": (Retry("--quiet", before_command="--quiet"), f"--quiet {TWICE}"),
    "twice, in both senses": (Retry("--no-fail-fast", before_command="--fail-fast"), f"--fail-fast {TWICE}"),
    "exclusive": (Retry(OPTIONS, before_command="--warn-error"), EXCLUSIVE),
    "exclusive, both after the command": (Retry(f"--warn-error {OPTIONS}"), EXCLUSIVE),
    "exclusive, one in the environment": (Retry(OPTIONS, environment={"DBT_WARN_ERROR": "true"}), EXCLUSIVE),
}


@pytest.mark.parametrize("contradiction", CONTRADICTIONS)
def test_row_35_options_that_contradict_each_other(workshop: Workshop, contradiction: str) -> None:
    retry, says = CONTRADICTIONS[contradiction]
    prepared = workshop.prepare(PROJECT)
    workshop.restore(prepared)

    assert "Traceback" in refused(workshop, retry, "retry").output
    assert usage_error(refused(workshop, retry)) == says


def test_an_option_that_dbt_does_not_know(workshop: Workshop) -> None:
    workshop.restore(workshop.prepare(PROJECT))

    assert "--frobnicate" in usage_error(refused(workshop, Retry("--frobnicate")))


def test_an_option_that_contradicts_a_flag_of_the_project(workshop: Workshop) -> None:
    project = PROJECT.after("run", settings={"flags": {"warn_error": True}})
    workshop.restore(workshop.prepare(project))

    invocation = refused(workshop, Retry(OPTIONS))

    assert "warn_error_options: not allowed with argument warn_error" in invocation.output


def test_a_variable_that_its_option_does_not_take(workshop: Workshop) -> None:
    workshop.restore(workshop.prepare(PROJECT))

    said = usage_error(refused(workshop, Retry(environment={"DBT_INDIRECT_SELECTION": "sideways"})))

    assert "'--indirect-selection'" in said
    assert "'sideways' is not one of" in said
