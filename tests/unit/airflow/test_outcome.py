"""What a task is told of a try, and that dbt's exit code alone makes it green."""

from __future__ import annotations

import json

import pytest

from dbt_retry_plus.airflow.outcome import (
    Outcome,
    failure_of,
    found_from,
    newest_since,
    retry_will_not_help,
)
from dbt_retry_plus.airflow.task import Found
from dbt_retry_plus.words import FOUND_SCHEMA


def report(verdict: str, **changes: object) -> dict[str, object]:
    return {"verdict": verdict, "message": None, "counts": {"still failing": 2, "recovered": 0}, **changes}


def test_only_a_failure_can_be_one_that_a_retry_does_not_help() -> None:
    assert retry_will_not_help(Outcome(1, report=report("retry_will_not_help")))
    assert not retry_will_not_help(Outcome(0, report=report("retry_will_not_help")))
    assert not retry_will_not_help(Outcome(1, report=report("still_failing")))
    assert not retry_will_not_help(Outcome(1))
    assert not retry_will_not_help(Outcome(1, report={"verdict": ["retry_will_not_help"]}))


def test_a_failure_is_told_in_a_sentence() -> None:
    assert failure_of(Outcome(1, report=report("still_failing"))) == (
        "dbt ended with exit code 1, still failing: 2 still failing"
    )
    refused = report("refused", message="Invocation a is still running.", counts={})
    assert failure_of(Outcome(2, report=refused)) == (
        "dbt ended with exit code 2, refused: Invocation a is still running."
    )
    assert failure_of(Outcome(-9)) == "dbt was ended by signal 9."
    assert failure_of(Outcome(2, last_line="\x1b[31mNo such project\x1b[0m")) == (
        "dbt ended with exit code 2: No such project"
    )


def test_what_is_found_is_read_or_unknown() -> None:
    found = {"schema": FOUND_SCHEMA, "invocation_id": "a", "result": "error"}
    assert found_from(f"warning\n{json.dumps(found)}\n") == Found("a", "error")
    assert found_from(json.dumps({**found, "invocation_id": None, "result": None})) is None
    for told in ("", "Traceback", "[]", "{}", '{"invocation_id": "a", "result": "error"}'):
        with pytest.raises(ValueError, match="is not"):
            found_from(told)


def test_an_invocation_of_an_earlier_try_is_not_taken_for_this_one() -> None:
    told = json.dumps({"invocations": [{"invocation_id": "a", "started_at": "2026-01-02T03:04:05.000000Z"}]})
    began = 1767323045.0
    found = newest_since(told, began)
    assert found is not None and found["invocation_id"] == "a"
    assert newest_since(told, began + 1) is None
    for broken in ("", "{}", '{"invocations": []}', '{"invocations": [{"started_at": null}]}'):
        assert newest_since(broken, 0) is None


def test_the_document_is_of_jsons_values_alone() -> None:
    document = Outcome(0, "a", {"invocation_id": "b", "counts": {"PASS": 2}}, report("recovered")).document
    assert json.loads(json.dumps(document)) == document
    assert (document["resumed"], document["invocation_id"], document["fates"]) == ("a", "b", {"still failing": 2})
