"""What dbt finds when it looks for plugins, in every command that executes nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbt_retry_plus.dbtcore.events import log_warning
from dbt_retry_plus.dbtcore.plugin import dbt_hook, dbtPlugin

if TYPE_CHECKING:
    from dbt_retry_plus.recording.recorder import Recorder


class RecordingPlugin(dbtPlugin):
    """Records the invocation that loads it; `dbt retry-plus` begins its own record, once it knows what it runs."""

    _recorder: Recorder | None = None

    def initialize(self) -> None:
        """Begin the record."""
        try:
            self._recorder = _record()
        except Exception as error:  # whatever is wrong with us is no reason for a command of dbt's to fail
            log_warning(f"dbt-retry-plus does not record this invocation: {type(error).__name__}: {error}")

    @dbt_hook  # type: ignore[untyped-decorator]  # to the check, all of dbt is Any
    def get_manifest_artifacts(self, manifest: Any) -> dict[str, Any]:
        """Note the state of the project that the invocation runs from; add no artifact."""
        if self._recorder is not None:
            self._recorder.write_state_of(manifest)
        return {}


def _record() -> Recorder | None:
    from dbt_retry_plus.dbtcore.running import running_invocation
    from dbt_retry_plus.recording.begin import begin_recording

    running = running_invocation()
    return begin_recording(running) if running else None
