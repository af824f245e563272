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
from typing import Any

from dbt.task.runnable import GraphRunnableTask

from dbt_retry_plus.dbtcore.attempt_end import AttemptAccount, end_of_attempt
from dbt_retry_plus.dbtcore.relation_cache import KeptRelations
from dbt_retry_plus.dbtcore.waiting import Waiting
from dbt_retry_plus.types import NodeAttempt


class AttemptingRunner:
    """Mixed in before a runner of dbt's, on the object: it says of each attempt what it came to."""

    attempt = 1
    delay: float | None = None
    """Seconds until the next attempt, where there is to be one."""

    gives_thread_back = False
    """Whether it was handed to the pool by itself, and can be handed to it again."""

    _kept: Any = None
    _relations: KeptRelations | None = None
    _raised: BaseException | None = None

    def take_part(self, account: AttemptAccount) -> None:
        """Keep what another attempt needs: compiling and running change dbt's node, and its cache of relations."""
        self._account = account
        if self._kept is None and account.may_run_again(self.node.unique_id):  # type: ignore[attr-defined]
            self._kept = deepcopy(self.node)  # type: ignore[attr-defined]

    def begin_next(self) -> None:
        """Put dbt's node into the state that it had before the first attempt."""
        self.attempt += 1
        self.delay = None
        node, kept = self.node, deepcopy(self._kept)  # type: ignore[attr-defined]
        # Other threads may look at the node meanwhile, as macros that read `graph` do.
        vars(node).update(vars(kept))
        for name in vars(node).keys() - vars(kept).keys():
            del vars(node)[name]

    def _begun(self) -> NodeAttempt:
        describe = getattr(self, "describe_batch", None)
        batch = str(describe()) if describe is not None else None
        return NodeAttempt(self.node.unique_id, self.attempt, batch)  # type: ignore[attr-defined]

    def compile_and_execute(self, manifest: Any, ctx: Any) -> Any:
        """Tell dbt's cache what the failed attempt has not done after all, where there was one."""
        if self._kept is not None:
            if self._relations is None:
                self._relations = KeptRelations.of(self.adapter, self.config, self.node)  # type: ignore[attr-defined]
            elif self.attempt > 1:
                self._relations.put_back(self.adapter, self.node)  # type: ignore[attr-defined]
        return super().compile_and_execute(manifest, ctx)  # type: ignore[misc]

    def safe_run(self, manifest: Any) -> Any:
        """Run the node, and learn whether it is to run again."""
        self._raised = None
        began = self._begun()
        self._account.begin(began)
        result = super().safe_run(manifest)  # type: ignore[misc]
        ended = end_of_attempt(self._account, began, self, result, self._raised)
        self.delay = ended.delay
        self._raised = None  # its traceback holds on to all that there was
        return result

    def after_execute(self, result: Any) -> None:
        """Leave it to the line of the last attempt to say what became of the node."""
        if self.delay is None:
            super().after_execute(result)  # type: ignore[misc]

    def handle_exception(self, e: Exception, ctx: Any) -> str:
        """Note what ended the attempt."""
        self._raised = e
        return str(super().handle_exception(e, ctx))  # type: ignore[misc]

    def _build_failed_run_batch_result(self, *arguments: Any, **keywords: Any) -> Any:
        """Note what ended the attempt of a batch: dbt catches it where it runs the materialization."""
        self._raised = sys.exc_info()[1] or self._raised
        return super()._build_failed_run_batch_result(*arguments, **keywords)  # type: ignore[misc]


@dataclass(frozen=True)
class _Again:
    """What a thread of the pool hands back in place of a result, where the node is to run again."""

    runner: Any
    result: Any


class AttemptingTask(GraphRunnableTask):
    """Mixed in before a task of dbt's: its nodes get as many attempts as they may have."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        """Take what dbt's task takes."""
        self._account: AttemptAccount | None = None
        self._waiting = Waiting()
        self._now = threading.local()
        self._raised: Any = None
        self._runner_types: dict[Any, Any] = {}
        super().__init__(*arguments, **keywords)

    def set_attempts(self, account: AttemptAccount) -> None:
        """Say who decides about attempts, before the task runs."""
        self._account = account

    def call_runner(self, runner: Any, *context: Any) -> Any:
        """Execute a node in this thread; dbt-core 1.12 hands on the context of its traces."""
        if self._account is None:
            return super().call_runner(runner, *context)
        runner.__class__ = self._attempting(type(runner))
        runner.take_part(self._account)
        while True:
            result = self._one_attempt(runner, *context)
            if runner.delay is None:
                return result
            if runner.gives_thread_back:
                return _Again(runner, result)
            if self._waiting.stopped.wait(runner.delay):
                return result
            runner.begin_next()

    def _attempting(self, runner_type: Any) -> Any:
        """The runner's class with `AttemptingRunner` mixed in; dbt names that of batches itself, as it makes one."""
        if issubclass(runner_type, AttemptingRunner):
            return runner_type
        found = self._runner_types.get(runner_type)
        return found or self._runner_types.setdefault(
            runner_type, type(runner_type.__name__, (AttemptingRunner, runner_type), {})
        )

    def _one_attempt(self, runner: Any, *context: Any) -> Any:
        before = getattr(self._now, "runner", None)  # of the model whose batch this is
        self._now.runner = runner
        try:
            return super().call_runner(runner, *context)
        finally:
            self._now.runner = before

    def _submit(self, pool: Any, args: list[Any], callback: Callable[[Any], None]) -> None:
        """Hand a node to the pool, and hand it over once more when it is to run again."""
        args[0].gives_thread_back = not self.config.args.single_threaded

        def settle(result: Any) -> None:
            if not isinstance(result, _Again):
                callback(result)
                return

            def submit_again() -> None:
                result.runner.begin_next()
                super(AttemptingTask, self)._submit(pool, [result.runner], settle)

            self._waiting.add(result.runner.delay, submit_again, lambda: callback(result.result))

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
        runner = getattr(self._now, "runner", None)
        if runner is None or runner.delay is None:
            self._raised = error
