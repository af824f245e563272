"""What waits is called in its turn, and is told when nobody waits any more."""

from __future__ import annotations

import threading

from dbt_retry_plus.dbtcore.waiting import Waiting


def test_what_is_due_first_is_called_first() -> None:
    waiting, called, done = Waiting(), list[str](), threading.Event()
    waiting.add(0.3, lambda: (called.append("late"), done.set())[0], lambda: called.append("stopped"))
    waiting.add(0.0, lambda: called.append("soon"), lambda: called.append("stopped"))
    assert done.wait(30)
    assert called == ["soon", "late"]


def test_stopping_calls_what_still_waits_otherwise_and_nothing_later() -> None:
    waiting, called = Waiting(), list[str]()
    waiting.add(600, lambda: called.append("then"), lambda: called.append("first"))
    waiting.add(900, lambda: called.append("then"), lambda: called.append("second"))
    waiting.stop()
    waiting.add(0, lambda: called.append("then"), lambda: called.append("third"))
    assert called == ["first", "second", "third"]
    assert waiting.stopped.is_set()


def test_its_thread_is_gone_when_nothing_waits() -> None:
    waiting, done = Waiting(), threading.Event()
    for _ in range(2):
        waiting.add(0, done.set, lambda: None)
        assert done.wait(30)
        done.clear()
        thread = waiting._thread
        if thread is not None:
            thread.join(30)
            assert not thread.is_alive()
