"""Attempts of nodes: what they are given, what they came to, and the errors that ended them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from dbt_retry_plus.words import Backoff, ErrorClass, ErrorKind, RetryOn

_NO_CODES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class AttemptRules:
    """When a node is executed again.

    Attributes:
        attempts: How often it is executed at most.
        backoff: How the delay grows.
        delay: Seconds before the second attempt.
        max_delay: Seconds that no delay exceeds, its jitter not counted.
        jitter: Seconds of which a random part is added to each delay.
        retry_on: The classes of error that it is executed again after.
        only_rerun: Regular expressions: where there are any, it is executed again after errors that one of them is
            found in, whatever their class, and after no others.
        rerun_except: Regular expressions: it is not executed again after an error that one of them is found in.
    """

    attempts: int = 1
    backoff: Backoff = Backoff.EXPONENTIAL
    delay: float = 1.0
    max_delay: float = 30.0
    jitter: float = 1.0
    retry_on: RetryOn = RetryOn.TRANSIENT
    only_rerun: tuple[str, ...] = ()
    rerun_except: tuple[str, ...] = ()


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
        unique_id: The node; empty where it came before the first one, as dbt asked for schemas and relations.
        adapter: The type of the target's adapter, for instance `postgres`.
        kind: Where it comes from.
        message: dbt's message.
        causes: The exceptions, from dbt's own to the one that all began with.
        attempt: Which attempt of this retry it ended; the first is 1.
        may_be_done: Whether the database was asked to commit, did not answer, and it would matter if it was done twice.
    """

    unique_id: str
    adapter: str
    kind: ErrorKind
    message: str
    causes: tuple[ErrorCause, ...] = ()
    attempt: int = 1
    may_be_done: bool = False


@dataclass(frozen=True)
class NodeAttempt:
    """An attempt of a node that begins.

    Attributes:
        unique_id: The node.
        number: Which attempt of this retry it is; the first is 1.
        batch: The batch of a microbatch model, as dbt's log names it.
    """

    unique_id: str
    number: int = 1
    batch: str | None = None


@dataclass(frozen=True)
class EndedAttempt(NodeAttempt):
    """An attempt of a node that has ended.

    Attributes:
        status: dbt's status of it.
        message: dbt's message, if it gave one.
        error_class: What the error is taken for; None where there was none.
        delay: Seconds until the next attempt; None where this was the last.
        execution_time: Seconds that it took.
        started_at: When it began (UTC), where that is known.
        completed_at: When it was done (UTC), where that is known.
        thread: The name of the thread that it ran in.
    """

    status: str = ""
    message: str | None = None
    error_class: ErrorClass | None = None
    delay: float | None = None
    execution_time: float = 0.0
    started_at: datetime | None = None
    completed_at: datetime | None = None
    thread: str | None = None
