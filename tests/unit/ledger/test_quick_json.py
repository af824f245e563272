"""What the compiled library reads of nodes is what Python's own decoder reads."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from dbt_retry_plus.ledger import journal, quick_json
from dbt_retry_plus.ledger.journal import JournalWriter, read_entries
from dbt_retry_plus.ledger.recorded import rows_of
from dbt_retry_plus.ledger.run_results import RUN_RESULTS

ROW: dict[str, Any] = {"status": "success", "execution_time": 1.5, "adapter_response": {}, "failures": None}
# As adapters and dbt write them, and as nobody should.
UNUSUAL: list[dict[str, Any]] = [
    {"adapter_response": {"_message": "OK", "rows_affected": 3, "code": None, "done": True}},
    {"adapter_response": {"job": 2**64, "slots": -(2**63) - 1}},
    {"adapter_response": {"nested": {"bytes": 10**30}}},
    {"adapter_response": {"nested": [10**30, 0.5]}},
    {"adapter_response": {"seconds": 0.5}},
    {"adapter_response": [10**30]},
    {"failures": 10**30},
    {"execution_time": math.nan},
    {"execution_time": 2**70},
    {"execution_time": 1e300},
    {"message": "half of a character: \ud800"},
]


def exactly(value: Any) -> str:
    return json.dumps(value)


@pytest.mark.parametrize("unusual", UNUSUAL, ids=exactly)
def test_a_line_of_a_node_is_read_as_written(tmp_path: Path, unusual: dict[str, Any]) -> None:
    entry = {"event": journal.FINISH, "node": "model.p.m", "row": {**ROW, **unusual}}
    writer = JournalWriter(tmp_path / "journal.jsonl")
    writer.append(journal.encode({"event": journal.START, "node": "model.p.m"}))
    writer.append(journal.encode(entry))
    writer.close()
    *_, found = read_entries(tmp_path / "journal.jsonl")
    found.pop("crc32", None)
    assert exactly(found) == exactly(entry)


@pytest.mark.parametrize("unusual", UNUSUAL, ids=exactly)
def test_a_row_of_the_results_is_read_as_written(tmp_path: Path, unusual: dict[str, Any]) -> None:
    rows = [{**ROW, "unique_id": "model.p.a"}, {**ROW, **unusual, "unique_id": "model.p.b"}]
    path = tmp_path / RUN_RESULTS
    path.write_text(json.dumps({"metadata": {"invocation_id": "id"}, "results": rows}))
    assert [exactly(outcome.row) for outcome in rows_of(path, "id")] == [exactly(row) for row in rows]


@pytest.mark.parametrize("line", ['{"event":"start","event":7}', '{"event":"finish","node":"n","row":[1]}'])
def test_a_line_of_a_strange_kind_is_none_or_is_left_to_who_reads_it(tmp_path: Path, line: str) -> None:
    writer = JournalWriter(tmp_path / "journal.jsonl")
    writer.append(line)
    writer.close()
    expected = json.loads(line)
    assert list(read_entries(tmp_path / "journal.jsonl")) == ([expected] if isinstance(expected["event"], str) else [])


@pytest.mark.parametrize("unusual", [*UNUSUAL, {"message": "ü"}, {"message": 'a "name"'}], ids=exactly)
def test_a_document_with_rows_is_written_as_it_is(unusual: dict[str, Any]) -> None:
    rows = [ROW, {**ROW, **unusual}]
    document = {"args": {"vars": {"large": 10**30, "none": math.nan, "ü": "\ud800"}}, "results": rows, "elapsed": 1.5}
    written = quick_json.encoded(document, "results", exact=all(map(quick_json.as_written, rows)))
    assert written.isascii() and exactly(json.loads(written)) == exactly(document)


def test_who_does_not_know_the_numbers_has_python_write_them() -> None:
    document = {"results": [{"number": math.nan}]}
    assert quick_json.encoded(document, "results", exact=False) == b'{"results":[{"number":NaN}]}'
    assert quick_json.encoded(document, "results", exact=True) == b'{"results":[{"number":null}]}'
