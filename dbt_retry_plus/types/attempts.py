"""What one attempt of a node came to, and what plugins say of the error that ended it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from dbt_retry_plus.words import ErrorClass, ErrorKind

_NO_CODES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class ErrorCause:
    """One of the exceptions that an error was made of.

    Attributes:
        type: Its class with its module, for instance `psycopg2.errors.DeadlockDetected`.
        message: What it says, without the SQL that drivers quote.
        codes: What its driver says in numbers and names, as text: `pgcode`, `sqlstate`, `errno`, `code`,
            `status_code`, `error_code`, `error_name` and `error_type`, those that it has.
    """

    type: str
    message: str
    codes: Mapping[str, str] = field(default_factory=lambda: _NO_CODES)


@dataclass(frozen=True)
class NodeError:
    """The error that ended one attempt of a node.

    Attributes:
        unique_id: The node.
        adapter: The type of the target's adapter, for instance `postgres`.
        kind: Where it comes from.
        message: dbt's message.
        causes: The exceptions, from dbt's own to the one that all began with.
        attempt: Which attempt of this retry it ended; the first is 1.
        while_committing: Whether the database was asked to commit: what it did then is not known.
    """

    unique_id: str
    adapter: str
    kind: ErrorKind
    message: str
    causes: tuple[ErrorCause, ...] = ()
    attempt: int = 1
    while_committing: bool = False


@dataclass(frozen=True)
class EarlierAttempt:
    """An attempt of a node that another one followed.

    Attributes:
        unique_id: The node.
        number: Which attempt it was; the first is 1.
        error_class: What the error is taken for.
        message: dbt's message.
        execution_time: Seconds that it took.
        delay: Seconds until the next one.
        started_at: When it began (UTC, ISO 8601).
        completed_at: When it was done.
        thread: The name of the thread that it ran in.
    """

    unique_id: str
    number: int
    error_class: ErrorClass
    message: str | None = None
    execution_time: float = 0.0
    delay: float = 0.0
    started_at: str | None = None
    completed_at: str | None = None
    thread: str | None = None
