"""Runs dbt for the tests, in a process of its own, as a person or as a program would start it.

`python dbt_process.py --serve` imports dbt once, then forks a fresh child for each request: importing takes two thirds of
a small dbt invocation, and a fork inherits what was imported but nothing of an earlier invocation. Without `--serve` it
answers one request (a JSON object on stdin) and exits with dbt's exit code.

Keep this file free of imports from the tests: it runs as a script, with the interpreter that is tested.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any


def preload() -> None:
    # No adapter: the older duckdb starts threads of its own when it is imported, and threads do not survive a fork.
    import dbt.cli.main
    import dbt.task.build
    import dbt.task.docs.generate
    import dbt.task.retry  # noqa: F401

    make_schemas()


CHECKED_CLASSES = """
    SelectorFile ProjectFlags Project ProfileConfig PackageConfig Configuration Contract ModelNode
    ModelConfig TestConfig SingularTestNode SnapshotConfig SnapshotNode GenericTestNode SeedNode
    SeedConfig TestResultData UnparsedModelUpdate UnparsedNodeUpdate UnparsedUnitTest
    UnitTestConfig UnparsedSourceDefinition SourceConfig
"""
"""What dbt checks the shape of in nearly every invocation."""


def make_schemas() -> None:
    """Let dbt make the schemas by which it checks files and nodes: it keeps them, and takes a quarter of its time for it."""
    from dbt_common.dataclass_schema import dbtClassMixin

    checked = set(CHECKED_CLASSES.split())
    waiting: list[Any] = [dbtClassMixin]
    while waiting:
        known = waiting.pop()
        waiting += known.__subclasses__()
        if known.__name__ in checked:
            known.json_schema()


def serve() -> None:
    preload()
    if count_threads() != 1:
        raise SystemExit("importing dbt started a thread: a fork of this process would not be safe")
    answers = os.fdopen(os.dup(1), "w")
    questions = os.fdopen(os.dup(0), "r")
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    for line in questions:
        child = os.fork()
        if child == 0:
            answers.close()
            questions.close()
            answer_one(json.loads(line))
        _, status = os.waitpid(child, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
        answers.flush()


def count_threads() -> int:
    native = Path("/proc/self/task")
    return len(list(native.iterdir())) if native.is_dir() else threading.active_count()


def answer_one(request: dict[str, Any]) -> None:
    """Become the process that the request describes. Leaves by SystemExit, as a console script does."""
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    for stream, descriptor in (("stdout", 1), ("stderr", 2)):
        with open(request[stream], "wb") as file:
            os.dup2(file.fileno(), descriptor)
    if "calls" in request:
        run_calls(request)
    sys.argv = [request["program"], *request["arguments"]]
    from dbt.cli.main import cli

    sys.exit(cli())


def run_calls(request: dict[str, Any]) -> None:
    """Call dbtRunner once per entry of `calls`, in one process, and write down what it gave."""
    from dbt.cli.main import dbtRunner

    sys.argv = [request["program"]]
    outcomes = []
    manifest = None
    for call in request["calls"]:
        seen: Counter[str] = Counter()
        callbacks = [lambda event, seen=seen: seen.update([event.info.name])] if call["callbacks"] else None
        runner = dbtRunner(manifest=manifest if call["reuse_manifest"] else None, callbacks=callbacks)
        outcome = runner.invoke(call["arguments"], **call["options"])
        if type(outcome.result).__name__ == "Manifest":
            manifest = outcome.result
        outcomes.append(described(outcome) | {"callback_events": dict(seen)})
    with open(request["outcomes"], "w") as file:
        json.dump(outcomes, file)
    sys.exit(0)


def described(outcome: Any) -> dict[str, Any]:
    exception = outcome.exception
    results = getattr(outcome.result, "results", None)
    return {
        "success": outcome.success,
        "exception_type": None if exception is None else type(exception).__name__,
        "exception_text": None if exception is None else str(exception),
        "result_type": type(outcome.result).__name__,
        "results": None if results is None else [row(result) for result in results],
    }


def row(result: Any) -> dict[str, Any]:
    # A result read from run_results.json has the id itself, an executed one has the node.
    node = getattr(result, "node", None)
    return {
        "type": type(result).__name__,
        "unique_id": result.unique_id if node is None else node.unique_id,
        "status": str(result.status),
        "message": result.message,
        "failures": result.failures,
    }


if __name__ == "__main__":
    if "--serve" in sys.argv[1:]:
        serve()
    else:
        answer_one(json.load(sys.stdin))
