"""The class of what a real driver raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dbt_retry_plus.classifiers.message import without_sql
from dbt_retry_plus.plugin_manager import load_plugins
from dbt_retry_plus.settings import Settings
from dbt_retry_plus.types import ErrorCause
from dbt_retry_plus.words import ErrorClass
from tests.support.known_errors import error_of

PERMANENT, TRANSIENT, UNKNOWN = ErrorClass.PERMANENT, ErrorClass.TRANSIENT, ErrorClass.UNKNOWN
PLUGINS = load_plugins(Settings(), None)


def class_of(adapter: str, call: Callable[[], Any]) -> ErrorClass:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is what the classifiers have to tell
        call()
    causes: list[ErrorCause] = []
    error: BaseException | None = caught.value
    while error is not None:
        codes = {name: str(code) for name in ("pgcode", "errno", "status_code") if (code := getattr(error, name, None))}
        of = type(error)
        causes.append(ErrorCause(f"{of.__module__}.{of.__qualname__}", without_sql(str(error)), codes))
        error = error.__cause__ or error.__context__
    answers, findings = PLUGINS.contribute("retry_plus_classify", ErrorClass, error=error_of(adapter, *causes))
    assert findings == []
    return answers[-1][1] if answers else UNKNOWN
