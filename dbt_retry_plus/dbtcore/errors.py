"""Our one error in dbt's clothes."""

from __future__ import annotations

from dbt_common.exceptions import DbtRuntimeError

from dbt_retry_plus.errors import RetryRefusedError


def as_dbt_error(refusal: RetryRefusedError) -> DbtRuntimeError:
    """Make of a refusal the error that dbt logs as one sentence and exits with 2 for."""
    return DbtRuntimeError(str(refusal))
