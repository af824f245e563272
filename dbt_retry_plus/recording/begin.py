"""Beginning the record of an invocation."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dbt_retry_plus
from dbt_retry_plus.commands import UPSTREAM_RETRY
from dbt_retry_plus.dbtcore.events import log_warning
from dbt_retry_plus.dbtcore.running import (
    RunningInvocation,
    adapter_version,
    dbt_version,
    keep_in_command,
    kept_in_command,
    listen,
    resolved_arguments,
    when_command_ends,
)
from dbt_retry_plus.ledger import journal
from dbt_retry_plus.ledger.local import LocalLedger
from dbt_retry_plus.ledger.opening import remote_ledger
from dbt_retry_plus.ledger.run_results import identity_of
from dbt_retry_plus.recording.git import commit_of
from dbt_retry_plus.recording.lines import Lines
from dbt_retry_plus.recording.recorder import Recorder
from dbt_retry_plus.settings import Settings, ledger_folder, read_settings
from dbt_retry_plus.store_url import is_url
from dbt_retry_plus.words import JOB_STEP_VARIABLE, TAG_VARIABLE

_RECORDER = f"{__name__}.recorder"
_EXEC = f"{__name__}.exec"

if TYPE_CHECKING:
    from dbt_retry_plus.ledger.claims import Claim
    from dbt_retry_plus.ledger.remote import RemoteLedger


def begin_recording(
    running: RunningInvocation,
    *,
    command: str | None = None,
    retry_of: str | None = None,
    remote: RemoteLedger | None = None,
    claim: Claim | None = None,
) -> Recorder | None:
    """Begin the record of the invocation of this process; it ends with the command.

    It never raises: a command must not fail because it cannot be recorded.

    Args:
        running: The invocation.
        command: dbt's `which` of what is executed, where that is not what the user typed.
        retry_of: The invocation that is retried.
        remote: Where the record is shipped to, where that is known already.
        claim: The claim in there to what is retried.

    Returns:
        The recorder; None where recording is turned off or impossible, which is a warning.
    """
    try:
        settings = read_settings(running.project_root, os.environ)
        if not settings.record:
            return None
        recorder = _begin(running, settings, command or running.command, retry_of)
    except Exception as error:  # whatever is wrong with us is no reason for a command of dbt's to fail
        log_warning(f"dbt-retry-plus does not record this invocation: {error}")
        return None
    if is_url(settings.ledger):
        try:
            if remote is None:
                root, project = running.project_root, running.project_name
                remote = remote_ledger(settings, root, project, running.environment)
                for finding in remote.findings:
                    log_warning(finding.sentence)
            recorder.ship_to(remote, claim)
        except Exception as error:  # likewise
            log_warning(f"dbt-retry-plus does not ship the record of this invocation to the ledger's store: {error}")
    return recorder


def _begin(running: RunningInvocation, settings: Settings, command: str, retry_of: str | None) -> Recorder:
    ledger = LocalLedger(ledger_folder(settings, running.project_root, running.target_path))
    arguments = resolved_arguments()
    if command == UPSTREAM_RETRY:
        retry_of = identity_of(running.project_root / (arguments.get("state") or running.target_path))
    lines = Lines(os.environ)
    header = _header(running, command, retry_of, arguments)
    opened = ledger.open(running.invocation_id, lines.encode(header))
    recorder = Recorder(running, ledger, opened, header, lines, settings)
    listen(recorder.handle)
    when_command_ends(recorder.close)
    keep_in_command(_RECORDER, recorder)
    return recorder


def recorder_of_command() -> Recorder | None:
    """Return the recorder of the running command; None where it is not recorded."""
    recorder: Recorder | None = kept_in_command(_RECORDER)
    return recorder


def mark_as_exec() -> None:
    """Have it put on record that the command gives nodes attempts from the start, and so has a report."""
    keep_in_command(_EXEC, True)


def _header(
    running: RunningInvocation, command: str, retry_of: str | None, arguments: Mapping[str, Any]
) -> Mapping[str, Any]:
    return {
        "event": journal.INVOCATION,
        "schema": journal.SCHEMA,
        "invocation_id": running.invocation_id,
        "command": command,
        "started_at": journal.now(),
        "retry_of": retry_of,
        "project": running.project_name,
        "profile": running.profile_name,
        "target": running.target_name,
        "warehouse_schema": running.schema,
        "dbt_version": dbt_version(),
        "adapter": {"type": running.adapter, "version": adapter_version(running.adapter)},
        "retry_plus_version": dbt_retry_plus.__version__,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "git_commit": commit_of(running.project_root),
        "arguments": arguments,
        **({"exec": True} if kept_in_command(_EXEC) else {}),
        **_asked_for_by(),
    }


def _asked_for_by() -> Mapping[str, str]:
    """The step of a job, or the task of an orchestrator, that this process runs for: they find it again by that.

    A step keeps both: an orchestrator may run the job.
    """
    given = {"job_step": os.environ.get(JOB_STEP_VARIABLE), "tag": os.environ.get(TAG_VARIABLE)}
    return {name: value for name, value in given.items() if value}
