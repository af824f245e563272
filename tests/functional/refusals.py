"""What all refusals share: exit 2, one sentence, no traceback, and nothing changed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.support.differential import Retry
from tests.support.inline_projects import InlineProject, Workshop
from tests.support.invocations import Invocation
from tests.support.observations import OWN_FOLDER

PROJECT = InlineProject({"models/late.sql": "select * from raw.orders"}, first=("run",))
TARGET = "project/target"
RUN_AGAIN = "Run the original dbt command again, or name another folder with --state."


def artifacts(stage: Path) -> Mapping[str, object]:
    """All that is in the stage but dbt's log and its id of the user, with the time of the last change."""
    return {
        path.relative_to(stage).as_posix(): (path.stat().st_mtime_ns, path.read_bytes()) if path.is_file() else None
        for path in stage.rglob("*")
        if "logs" not in path.parts and path.name != ".user.yml"
    }


def refused(workshop: Workshop, retry: Retry, command: str = "retry-plus") -> Invocation:
    """Run a retry in what stands in the stage and insist on what all refusals share."""
    log = workshop.stage / retry.log
    shutil.rmtree(workshop.stage / TARGET / OWN_FOLDER, ignore_errors=True)  # it would know better
    log.unlink(missing_ok=True)  # the command to retry has logged the traceback of the failed node there
    before = artifacts(workshop.stage)
    invocation = workshop.dbt(PROJECT, retry)(*retry.command_line(command))
    assert invocation.exit_code == 2, invocation.output
    if command == "retry-plus":
        written = invocation.output + (log.read_text() if log.exists() else "")
        assert "Traceback" not in written, written
        assert artifacts(workshop.stage) == before
    return invocation


def sentence(invocation: Invocation) -> str:
    """What stands below dbt's heading of an error, which is all that follows."""
    heading = "Encountered an error:\nRuntime Error\n  "
    assert invocation.stdout.count(heading) == 1, invocation.output
    said = invocation.stdout.split(heading)[1].strip()
    assert len(said.splitlines()) == 1, said
    return said


def usage_error(invocation: Invocation) -> str:
    """What click says below the usage line; dbt says nothing then."""
    assert invocation.stdout.strip() == ""
    hint, said = invocation.stderr.split("Error: ")
    assert re.search(r"Try 'dbt( retry-plus)? --help' for help\.", hint)  # of a global option the group speaks
    assert len(said.strip().splitlines()) == 1
    return said.strip()
