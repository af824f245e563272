"""Running the macro of a run-operation again, where the user has said that this does no harm."""

from __future__ import annotations

import time
from typing import Any

from dbt.adapters.factory import get_adapter
from dbt.task.run_operation import RunOperationTask

from dbt_retry_plus.dbtcore.attempt_end import AttemptAccount
from dbt_retry_plus.dbtcore.node_errors import error_without_node
from dbt_retry_plus.types import EndedAttempt, NodeAttempt


class AttemptingOperation(RunOperationTask):
    """dbt's task, whose macro gets as many attempts as it may have; it runs in dbt's main thread."""

    _account: AttemptAccount | None = None

    def set_attempts(self, account: AttemptAccount) -> None:
        """Say who decides about attempts, before the task runs."""
        self._account = account

    def _run_unsafe(self, package_name: str, macro_name: str) -> Any:
        if self._account is None:
            return super()._run_unsafe(package_name, macro_name)
        unique_id = self._unique_id(package_name, macro_name)
        attempt = NodeAttempt(unique_id)
        while True:
            self._account.begin(attempt)
            began = time.perf_counter()
            try:
                answer = super()._run_unsafe(package_name, macro_name)
            except Exception as error:
                ended = EndedAttempt(
                    **vars(attempt), status="error", message=str(error), execution_time=time.perf_counter() - began
                )
                adapter = get_adapter(self.config).type()
                told = error_without_node(unique_id, adapter, error, attempt.number)
                ended = self._account.ended(ended, told)
                if ended.delay is None:
                    raise
                time.sleep(ended.delay)
                attempt = NodeAttempt(unique_id, attempt.number + 1)
            else:
                took = time.perf_counter() - began
                self._account.ended(EndedAttempt(**vars(attempt), status="success", execution_time=took), None)
                return answer

    def _unique_id(self, package_name: str, macro_name: str) -> str:
        macro = self.manifest.find_macro_by_name(macro_name, self.config.project_name, package_name)
        return str(macro.unique_id) if macro else f"macro.{package_name}.{macro_name}"
