"""Doing again what dbt asks of the warehouse before the first node, where the warehouse could not be reached."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

from dbt_retry_plus.dbtcore.attempt_end import AttemptAccount
from dbt_retry_plus.dbtcore.node_errors import error_without_node

_CONNECTION = "master"  # as dbt.task.runnable names that of the main thread


def until_done(account: AttemptAccount, adapter: Any, step: Callable[[], None]) -> None:
    """Do something that may be done twice, as often as the account of attempts allows.

    Args:
        account: Who decides whether it is done again, and when.
        adapter: dbt's adapter.
        step: What is done, in dbt's main thread; Ctrl-C ends the waiting too.
    """
    attempt = 1
    while True:
        try:
            return step()
        except Exception as error:
            delay = account.before_nodes(error_without_node("", adapter.type(), error, attempt))
            if delay is None:
                raise
            time.sleep(delay)
            _connect_anew(adapter)
            attempt += 1


def _connect_anew(adapter: Any) -> None:
    with contextlib.suppress(Exception):  # a connection that is lost may not let itself be closed; dbt drops it then
        adapter.release_connection()
    adapter.acquire_connection(_CONNECTION)
