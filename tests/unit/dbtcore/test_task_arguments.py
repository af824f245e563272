"""Our tasks are given what dbt's own take, which differs from one minor to the next."""

from __future__ import annotations

import inspect

import pytest

from dbt_retry_plus.dbtcore.project import task_arguments
from dbt_retry_plus.dbtcore.tasks import TASKS

pytestmark = pytest.mark.every_minor


@pytest.mark.parametrize("task_class", dict.fromkeys(TASKS.values()), ids=lambda task_class: task_class.__name__)
def test_catalogs_are_handed_to_the_tasks_that_take_them(task_class: type) -> None:
    upstream = next(base for base in task_class.__mro__ if base.__module__.startswith("dbt.task."))
    takes = "catalogs" in inspect.signature(upstream).parameters
    assert task_arguments(task_class, ["catalog"]) == ({"catalogs": ["catalog"]} if takes else {})
