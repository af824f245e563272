"""A Python model whose error passes: it is executed again, and what is shown of it is its error."""

from __future__ import annotations

from tests.support.faults import QUICK
from tests.support.inline_projects import InlineProject, Workshop

PROJECT = InlineProject(
    files={
        "models/fetched.py": """
            from pathlib import Path

            def model(dbt, session):
                dbt.config(materialized="table")
                asked = Path("asked")
                if not asked.exists():
                    asked.touch()
                    raise ConnectionResetError("the service hung up")
                return session.sql("select 1 as id")
        """,
    },
    first=("parse",),
)


def test_what_is_shown_of_a_python_model_is_its_error_and_not_what_was_called(workshop: Workshop) -> None:
    workshop.restore(workshop.prepare(PROJECT))
    done = workshop.dbt(PROJECT)("retry-plus", "exec", *QUICK, "--", "run")
    assert done.exit_code == 0, done.output
    (line,) = (line for line in done.stdout.splitlines() if "failed on attempt 1 of 3" in line)
    assert line.endswith("and runs again in 0.1 s: ConnectionResetError: the service hung up")
