"""Executing a node again: in dbt's own runners and threads, from the state in which the node was before.

A task of dbt's hands each node to `call_runner`, in a thread of its pool. Where another attempt is to follow, that
thread goes back to the pool, and the node comes to it again when its time has come. Nobody but the journal and the log
hears of the failure: not dbt's results, not `--fail-fast`, and no node that waits for this one.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

from dbt.task.runnable import GraphRunnableTask

from dbt_retry_plus.dbtcore.attempt_end import AttemptAccount, end_of_attempt
from dbt_retry_plus.dbtcore.beginning import until_done
from dbt_retry_plus.dbtcore.events import log_warning
from dbt_retry_plus.dbtcore.relation_cache import KeptRelations
from dbt_retry_plus.dbtcore.waiting import Waiting
from dbt_retry_plus.types import NodeAttempt


class RunnerAttempts:
    """The attempts of what one runner of dbt's runs: a node, or a batch of one.

    It stands in for some of the runner's methods, on the object: dbt names the class of some runners as it makes them.
    """

    def __init__(self, runner: Any, account: AttemptAccount) -> None:
        """Keep what another attempt needs: compiling and running change dbt's node, and its cache of relations."""
        self.delay: float | None = None
        """Seconds until the next attempt, where there is to be one."""
        self._number = 1
        self._runner = runner
        self._account = account
        self._raised: BaseException | None = None
        self._relations: KeptRelations | None = None
        self._kept = deepcopy(runner.node) if account.may_run_again(runner.node.unique_id) else None
        for name in _STOOD_IN_FOR:
            if hasattr(runner, name):
                setattr(runner, name, partial(getattr(self, name.lstrip("_")), getattr(runner, name)))

    def begin_next(self) -> None:
        """Put dbt's node into the state that it had before the first attempt."""
        self._number += 1
        self.delay = None
        node, kept = self._runner.node, deepcopy(self._kept)
        # Other threads may look at the node meanwhile, as macros that read `graph` do.
        vars(node).update(vars(kept))
        for name in vars(node).keys() - vars(kept).keys():
            del vars(node)[name]

    def compile_and_execute(self, upstream: Callable[..., Any], manifest: Any, ctx: Any) -> Any:
        """Tell dbt's cache what the failed attempt has not done after all, where there was one."""
        runner = self._runner
        if self._kept is not None and self._relations is None:
            self._relations = KeptRelations.of(runner.adapter, runner.config, runner.node)
        elif self._relations is not None and self._number > 1:
            self._relations.put_back(runner.adapter, runner.node)
        return upstream(manifest, ctx)

    def safe_run(self, upstream: Callable[..., Any], manifest: Any) -> Any:
        """Run the node, and learn whether it is to run again."""
        runner = self._runner
        describe = getattr(runner, "describe_batch", None)
        batch = str(describe()) if describe is not None else None
        began = NodeAttempt(runner.node.unique_id, self._number, batch)
        self._account.begin(began)
        self._raised = None
        result = upstream(manifest)
        self.delay = end_of_attempt(self._account, began, runner, result, self._raised).delay
        self._raised = None  # its traceback holds on to all that there was
        return result

    def after_execute(self, upstream: Callable[..., Any], result: Any) -> None:
        """Leave it to the line of the last attempt to say what became of the node."""
        if self.delay is None:
            upstream(result)

    def handle_exception(self, upstream: Callable[..., Any], e: Exception, ctx: Any) -> Any:
        """Note what ended the attempt."""
        self._raised = e
        return upstream(e, ctx)

    def build_failed_run_batch_result(self, upstream: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        """Note what ended the attempt of a batch: dbt catches it where it runs the materialization."""
        self._raised = sys.exc_info()[1] or self._raised
        return upstream(*arguments, **keywords)


_STOOD_IN_FOR = (
    "compile_and_execute",
    "safe_run",
    "after_execute",
    "handle_exception",
    "_build_failed_run_batch_result",
)

_ATTEMPTS, _GIVES_THREAD_BACK = "retry_plus_attempts", "retry_plus_gives_thread_back"
"""Attributes of dbt's runners: their attempts, and whether they were handed to the pool and can be so again."""


@dataclass(frozen=True)
class _Again:
    """What a thread of the pool hands back in place of a result, where the node is to run again."""

    runner: Any
    result: Any
    attempts: RunnerAttempts


def _begun_anew(attempts: RunnerAttempts) -> bool:
    """Begin the next attempt; where that cannot be, the one before was the last."""
    try:
        attempts.begin_next()
    except Exception as error:  # as below
        log_warning(f"dbt-retry-plus cannot try again: {type(error).__name__}: {error}")
        return False
    return True


class AttemptingTask(GraphRunnableTask):
    """Mixed in before a task of dbt's: its nodes get as many attempts as they may have."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        """Take what dbt's task takes."""
        self._account: AttemptAccount | None = None
        self._waiting = Waiting()
        self._now = threading.local()
        self._raised: Any = None
        super().__init__(*arguments, **keywords)

    def set_attempts(self, account: AttemptAccount) -> None:
        """Say who decides about attempts, before the task runs."""
        self._account = account

    def populate_adapter_cache(self, adapter: Any, *schemas: Any) -> None:
        """Fill dbt's cache of relations, which is the first that it asks of the warehouse in most commands."""
        self._until_done(adapter, partial(super().populate_adapter_cache, adapter, *schemas))

    def create_schemas(self, adapter: Any, *schemas: Any) -> None:
        """Create the schemas that are missing, which is the first elsewhere."""
        self._until_done(adapter, partial(super().create_schemas, adapter, *schemas))

    def _until_done(self, adapter: Any, step: Callable[[], None]) -> None:
        if self._account is None:
            step()
        else:
            until_done(self._account, adapter, step)

    def call_runner(self, runner: Any, *context: Any) -> Any:
        """Execute a node in this thread; dbt-core 1.12 hands on the context of its traces."""
        attempts = self._attempts_of(runner)
        if attempts is None:
            return super().call_runner(runner, *context)
        while True:
            result = self._one_attempt(runner, attempts, *context)
            if attempts.delay is None:
                return result
            if getattr(runner, _GIVES_THREAD_BACK, False):
                return _Again(runner, result, attempts)
            if self._waiting.stopped.wait(attempts.delay) or not _begun_anew(attempts):
                return result

    def _attempts_of(self, runner: Any) -> RunnerAttempts | None:
        attempts: RunnerAttempts | None = vars(runner).get(_ATTEMPTS)
        if attempts is None and self._account is not None:
            try:
                attempts = RunnerAttempts(runner, self._account)
            except Exception as error:  # whatever it is: what is raised in a thread of the pool lets dbt wait for ever
                log_warning(f"dbt-retry-plus cannot attend to {runner.node.unique_id}: {type(error).__name__}: {error}")
                return None
            setattr(runner, _ATTEMPTS, attempts)
        return attempts

    def _one_attempt(self, runner: Any, attempts: RunnerAttempts, *context: Any) -> Any:
        before = getattr(self._now, "attempts", None)  # of the model whose batch this is
        self._now.attempts = attempts
        try:
            return super().call_runner(runner, *context)
        finally:
            self._now.attempts = before

    def _submit(self, pool: Any, args: list[Any], callback: Callable[[Any], None]) -> None:
        """Hand a node to the pool, and hand it over once more when it is to run again."""
        setattr(args[0], _GIVES_THREAD_BACK, not self.config.args.single_threaded)

        def settle(result: Any) -> None:
            if not isinstance(result, _Again):
                callback(result)
                return

            def submit_again() -> None:
                if _begun_anew(result.attempts):
                    super(AttemptingTask, self)._submit(pool, [result.runner], settle)
                else:
                    callback(result.result)

            self._waiting.add(result.attempts.delay or 0.0, submit_again, lambda: callback(result.result))

        super()._submit(pool, args, settle)

    def _cancel_connections(self, pool: Any) -> None:
        """Stop waiting: what waits for its next attempt has failed."""
        self._waiting.stop()
        super()._cancel_connections(pool)

    def execute_nodes(self) -> Any:
        """Run all nodes, and leave nothing behind that waits."""
        try:
            return super().execute_nodes()
        finally:
            self._waiting.stop()

    @property
    def _raise_next_tick(self) -> Any:
        """What ends the command at dbt's next look: of --fail-fast, and of commands that stop at the first error."""
        return self._raised

    @_raise_next_tick.setter
    def _raise_next_tick(self, error: Any) -> None:
        attempts = getattr(self._now, "attempts", None)
        if attempts is None or attempts.delay is None:
            self._raised = error
