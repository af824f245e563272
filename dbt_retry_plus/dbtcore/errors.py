"""Our one error in dbt's clothes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dbt_common.exceptions import DbtRuntimeError

from dbt_retry_plus.errors import RetryRefusedError


def as_dbt_error(refusal: RetryRefusedError) -> DbtRuntimeError:
    """Make of a refusal the error that dbt logs as one sentence and exits with 2 for."""
    return DbtRuntimeError(str(refusal))


@contextmanager
def refusals_as_dbt_errors() -> Iterator[None]:
    """Let a refusal become the error that dbt knows what to do with."""
    try:
        yield
    except RetryRefusedError as refusal:
        raise as_dbt_error(refusal) from None
