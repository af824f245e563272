"""The attempts of one command: whose rules hold, who is asked what an error is, and who is told."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from dbt_retry_plus.attempt_settings import rules_with
from dbt_retry_plus.checks.levels import settled
from dbt_retry_plus.dbtcore.events import log_info, log_warning
from dbt_retry_plus.execution.announce import log_findings
from dbt_retry_plus.execution.attempts import AttemptBudget, AttemptListeners, Attempts, AttemptWishes
from dbt_retry_plus.plugin_manager import Plugins
from dbt_retry_plus.recording.recorder import Recorder
from dbt_retry_plus.settings import Settings, given_settings
from dbt_retry_plus.texts import in_short, one_line, some_of
from dbt_retry_plus.types import AttemptRules, EndedAttempt, Graph, NodeAttempt, NodeError
from dbt_retry_plus.words import ErrorClass

_OPERATION = "macro."
_ONCE = AttemptRules()
_TRACEBACK, _COMPILED_CODE = "Traceback (most recent call last)", "compiled code at "


def wishes_of(settings: Settings, options: Mapping[str, Any]) -> AttemptWishes:
    """Return what a command line asks for, and settings where it is silent.

    Args:
        settings: What the project and its environment set.
        options: The options of `attempt_options`, as click gives them.

    Raises:
        RetryRefusedError: An option has a value of another kind.
    """
    return AttemptWishes(given_settings(options), fail_on_flaky=options["fail_on_flaky"] or settings.fail_on_flaky)


class NodeAttempts:
    """What happened in a command beyond one success for each node."""

    def __init__(
        self,
        settings: Settings,
        plugins: Plugins,
        wishes: AttemptWishes,
        graph: Graph,
        recorder: Recorder | None,
    ) -> None:
        """Begin.

        Args:
            settings: What the project and its environment set.
            plugins: The plugins.
            wishes: What was asked for.
            graph: Today's project, for what nodes say themselves.
            recorder: Puts attempts that failed on record.
        """
        self.failed: dict[str, tuple[EndedAttempt, ...]] = {}
        self._settings = settings
        self._plugins = plugins
        self._wishes = wishes
        self._recorder = recorder
        rules_of_nodes = {u: node.attempt_rules for u, node in graph.items() if node.attempt_rules}
        self._rules_of = partial(_rules_of, settings, wishes.given, rules_of_nodes)
        self.account = Attempts(
            self._rules_of,
            self._classify,
            AttemptBudget(
                wishes.given.get("attempt_budget", settings.attempt_budget),
                wishes.given.get("time_budget", settings.time_budget),
            ),
            AttemptListeners(self._begin, self._ended, self._waiting),
        )

    @property
    def flaky(self) -> frozenset[str]:
        """The nodes that failed and then needed no more attempts than they got, as far as attempts tell."""
        return frozenset(u for u, attempts in self.failed.items() if all(a.delay is not None for a in attempts))

    def too_flaky(self) -> bool:
        """Say, and return, whether a command fails all of whose nodes are proven."""
        if not (self.flaky and self._wishes.fail_on_flaky):
            return False
        log_warning(f"Not proven on the first attempt, which --fail-on-flaky makes a failure: {some_of(self.flaky)}.")
        return True

    def _classify(self, error: NodeError) -> ErrorClass:
        found, findings = self._plugins.contribute("retry_plus_classify", ErrorClass, error=error)
        log_findings(settled(findings, self._settings.checks, force=False))
        said = found[-1][1] if found else ErrorClass.UNKNOWN
        return ErrorClass.UNKNOWN if error.may_be_done and said is ErrorClass.TRANSIENT else said

    def _begin(self, attempt: NodeAttempt) -> None:
        self._observe("retry_plus_before_attempt", attempt)

    def _ended(self, attempt: EndedAttempt) -> None:
        if attempt.error_class is not None:
            self.failed[attempt.unique_id] = (*self.failed.get(attempt.unique_id, ()), attempt)
            if self._recorder is not None:
                self._recorder.write_attempt(attempt)
        if attempt.delay is not None:
            most = self._rules_of(attempt.unique_id).attempts
            log_warning(
                f"{_named(attempt)} failed on attempt {attempt.number} of {most} "
                f"({attempt.error_class.value if attempt.error_class else 'unknown'}), and runs again in "
                f"{in_short(attempt.delay)}: {_gist(attempt.message or '')}"
            )
        elif attempt.error_class is None and attempt.number > 1:
            log_info(f"{_named(attempt)} recovered on attempt {attempt.number}.")
        self._observe("retry_plus_after_attempt", attempt)

    def _waiting(self, error: NodeError, error_class: ErrorClass, delay: float) -> None:
        most = self._rules_of(error.unique_id).attempts
        log_warning(
            f"No node could begin on attempt {error.attempt} of {most} ({error_class.value}); it is tried again in "
            f"{in_short(delay)}: {_gist(error.message)}"
        )

    def _observe(self, hook: str, attempt: NodeAttempt) -> None:
        findings = self._plugins.observe(hook, attempt=attempt)
        log_findings(settled(findings, self._settings.checks, force=False))


def _rules_of(
    settings: Settings, given: Mapping[str, Any], rules_of_nodes: Mapping[str, Mapping[str, Any]], unique_id: str
) -> AttemptRules:
    rules = rules_with(rules_with(settings.attempt_rules, rules_of_nodes.get(unique_id, {})), given)
    if unique_id.startswith(_OPERATION):
        _, package, name = unique_id.split(".", 2)
        named = {name, f"{package}.{name}"}
        return rules if named & {*settings.idempotent_operations} else rules_with(rules, vars(_ONCE))
    return rules


def _gist(message: str) -> str:
    """What an error comes to, in one line; of a Python model's, which begins with all that was called, its end."""
    if _TRACEBACK in message:
        lines = [line for line in message.splitlines() if line.strip() and not line.strip().startswith(_COMPILED_CODE)]
        message = lines[-1]
    return one_line(message, 500)


def _named(attempt: NodeAttempt) -> str:
    name = one_line(attempt.unique_id)
    return f"{name} ({one_line(attempt.batch)})" if attempt.batch else name
