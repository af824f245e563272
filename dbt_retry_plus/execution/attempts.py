"""Whether a node that an error has ended is executed again, and when."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dbt_retry_plus.types import AttemptRules, EndedAttempt, NodeAttempt, NodeError
from dbt_retry_plus.words import Backoff, ErrorClass, RetryOn

Classify = Callable[[NodeError], ErrorClass]
_CLASSES: Mapping[RetryOn, frozenset[ErrorClass]] = {
    RetryOn.TRANSIENT: frozenset({ErrorClass.TRANSIENT}),
    RetryOn.UNKNOWN: frozenset({ErrorClass.TRANSIENT, ErrorClass.UNKNOWN}),
    RetryOn.ANY: frozenset(ErrorClass),
}


@dataclass(frozen=True)
class AttemptWishes:
    """What was asked for.

    Attributes:
        given: Settings of attempts on this command line, by their names: they win over what nodes say.
        fail_on_flaky: Whether a node that more than one attempt has proven makes the exit code 1.
    """

    given: Mapping[str, Any] = field(default_factory=dict)
    fail_on_flaky: bool = False


@dataclass(frozen=True)
class AttemptBudget:
    """What all nodes of a retry may use together.

    Attributes:
        extra_attempts: How many attempts besides the first of each node; no bound when None.
        seconds: How long after the first node began an attempt may still begin; no bound when None.
    """

    extra_attempts: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class AttemptListeners:
    """Who is told of attempts, in the thread that runs the node, one after the other.

    Attributes:
        begin: Called as an attempt begins.
        ended: Called as it has ended, whatever it came to.
        waiting: Called with an error that came before the first node, its class, and the seconds until the next try.
    """

    begin: Callable[[NodeAttempt], None] = lambda _: None
    ended: Callable[[EndedAttempt], None] = lambda _: None
    waiting: Callable[[NodeError, ErrorClass, float], None] = lambda *_: None


class Attempts:
    """The account of all attempts of one retry; called from every thread that runs nodes, one at a time."""

    def __init__(
        self,
        rules_of: Callable[[str], AttemptRules],
        classify: Classify,
        budget: AttemptBudget | None = None,
        listeners: AttemptListeners | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin.

        Args:
            rules_of: The rules of a node, by its unique_id.
            classify: Says whether trying again can help against an error.
            budget: What all nodes may use together.
            listeners: Who is told.
            clock: Seconds since some moment.
        """
        self._rules_of = rules_of
        self._classify = classify
        self._budget = budget or AttemptBudget()
        self._listeners = listeners or AttemptListeners()
        self._clock = clock
        self._lock = threading.Lock()
        self._began: float | None = None
        self._extra = 0

    def may_run_again(self, unique_id: str) -> bool:
        """Whether a node may have more than one attempt, and its state has to be kept for that."""
        return self._rules_of(unique_id).attempts > 1

    def before_nodes(self, error: NodeError) -> float | None:
        """Decide whether what dbt does before the first node is done again.

        Args:
            error: What ended it; its unique_id is empty.

        Returns:
            The seconds until then; None where that is not to be.
        """
        with self._lock:
            self._note_beginning()
            error_class = self._classify(error)
            delay = self._delay(error, error_class)
            if delay is not None:
                self._listeners.waiting(error, error_class, delay)
        return delay

    def begin(self, attempt: NodeAttempt) -> None:
        """Note that an attempt begins."""
        with self._lock:
            self._note_beginning()
            self._listeners.begin(attempt)

    def ended(self, attempt: EndedAttempt, error: NodeError | None) -> EndedAttempt:
        """Note what an attempt came to, and decide whether another one follows.

        Args:
            attempt: What it came to.
            error: What ended it, where it was no success.

        Returns:
            The attempt with the class of its error, and the delay until the next one if there is to be one.
        """
        with self._lock:
            if error is not None:
                error_class = self._classify(error)
                delay = self._delay(error, error_class)
                attempt = replace(attempt, error_class=error_class, delay=delay)
            self._listeners.ended(attempt)
        return attempt

    def _note_beginning(self) -> None:
        if self._began is None:
            self._began = self._clock()

    def _delay(self, error: NodeError, error_class: ErrorClass) -> float | None:
        rules = self._rules_of(error.unique_id)
        if error.attempt >= rules.attempts or not wants_another(rules, error, error_class):
            return None
        if self._budget.extra_attempts is not None and self._extra >= self._budget.extra_attempts:
            return None
        delay = delay_before_next(rules, error.attempt)
        if self._budget.seconds is not None and self._clock() + delay - (self._began or 0) > self._budget.seconds:
            return None
        self._extra += 1
        return delay


def wants_another(rules: AttemptRules, error: NodeError, error_class: ErrorClass) -> bool:
    """Say whether a node is to be executed again after an error, as far as the error goes."""
    said = "\n".join(cause.message for cause in error.causes) or error.message
    if any(re.search(pattern, said) for pattern in rules.rerun_except):
        return False
    if rules.only_rerun:
        return any(re.search(pattern, said) for pattern in rules.only_rerun)
    return error_class in _CLASSES[rules.retry_on]


def delay_before_next(rules: AttemptRules, attempt: int) -> float:
    """Return the seconds between the end of an attempt and the next one.

    Args:
        rules: The node's rules.
        attempt: The attempt that has ended; the first is 1.
    """
    import tenacity

    state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
    state.attempt_number = attempt
    grows = rules.backoff is Backoff.EXPONENTIAL
    wait = (
        tenacity.wait_exponential(multiplier=rules.delay, max=rules.max_delay)
        if grows
        else tenacity.wait_fixed(min(rules.delay, rules.max_delay))
    )
    return (wait + tenacity.wait_random(0, rules.jitter))(state)
