"""What was seen of a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.faults.case import Case
from tests.faults.fault import Fault
from tests.support.invocations import Invocation
from tests.support.warehouses import Relation

Relations = Mapping[str, Relation]


@dataclass(frozen=True)
class Ran:
    """What was seen of a case.

    Attributes:
        case: The case.
        fault: Its fault.
        invocation: The retry.
        first: The raw lines of the journal of the build that failed.
        lines: Those of the retry's.
        relations: What stands in the database after it.
        expected: What stands there after an undisturbed build from the same state.
        began: How often each node began in the database during the retry, by its name.
        committed: How often each was committed.
    """

    case: Case
    fault: Fault
    invocation: Invocation
    first: list[Mapping[str, Any]]
    lines: list[Mapping[str, Any]]
    relations: Relations
    expected: Relations
    began: Mapping[str, int]
    committed: Mapping[str, int]
