from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.run_results import parse_time, read_run_results

SCHEMA = "https://schemas.getdbt.com/dbt/run-results/v6.json"


def document(**changes: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "dbt_schema_version": SCHEMA,
            "dbt_version": "1.11.16",
            "generated_at": "2026-01-02T03:04:05.678Z",
            "invocation_id": "4f3a91c0-0000-0000-0000-000000000000",
        },
        "args": {"which": "build", "threads": 4},
        "results": [
            {"unique_id": "model.shop.a", "status": "success", "execution_time": 1.5, "message": "OK"},
            {"unique_id": "model.shop.b", "status": "error", "execution_time": 0, "message": None},
        ],
        **changes,
    }


def written(folder: Path, content: object) -> Path:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    (folder / "run_results.json").write_bytes(text)
    return folder


def test_an_invocation_is_read(tmp_path: Path) -> None:
    invocation = read_run_results(written(tmp_path, document()))
    assert invocation.short_id == "4f3a91c0"
    assert (invocation.command, invocation.arguments["threads"]) == ("build", 4)
    assert {o.unique_id: o.proven for o in invocation.outcomes.values()} == {
        "model.shop.a": True,
        "model.shop.b": False,
    }
    assert invocation.started_at == datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone.utc)
    assert invocation.dbt_version == "1.11.16"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is not a JSON document"),
        (b"{", "is not a JSON document"),
        (b"\xff\xfe\x00", "is not a JSON document"),
        (b"[" * 100_000, "is not a JSON document"),
        ([], "does not hold the results of a dbt command"),
        ({}, "'metadata' is missing"),
        (document(args=None), "'args' is missing"),
        (document(results={}), "'results' is missing or of another kind"),
        (document(metadata={}), "has the schema version 'None'"),
        (document(metadata={"dbt_schema_version": SCHEMA.replace("v6", "v99")}), "v99.json', and this version"),
        (document(metadata={"dbt_schema_version": SCHEMA.replace("run-results", "catalog")}), "catalog/v6"),
        (document(args={}), "does not say which dbt command wrote it"),
        (document(args={"which": "show"}), "'show', which cannot be retried"),
        (document(args={"which": ["build"]}), "does not say which dbt command"),
        (document(results=[{"status": "success"}]), "Row 1 of the results"),
        (document(results=["model.shop.a"]), "Row 1 of the results"),
        (document(results=[{"unique_id": "model.shop.a", "status": "exploded"}]), "unknown status 'exploded'"),
        (document(results=[{"unique_id": "model.shop.a", "status": None}]), "Row 1 of the results"),
        (document(results=[{"unique_id": ["a"], "status": "error"}]), "Row 1 of the results"),
        (document(results=[{"unique_id": "a", "status": "error", "batch_results": "x"}]), "Row 1"),
        (document(results=[{"unique_id": "a", "status": "error", "batch_results": {"failed": 1}}]), "Row 1"),
        (document(results=[{"unique_id": "a", "status": "error", "execution_time": "x"}]), "Row 1"),
    ],
)
def test_what_cannot_be_retried_is_refused_in_one_sentence(tmp_path: Path, content: object, says: str) -> None:
    with pytest.raises(RetryRefusedError) as caught:
        read_run_results(written(tmp_path, content))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert str(caught.value).endswith("Run the original dbt command again, or name another folder with --state.")


def test_a_missing_folder_and_a_missing_file_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(RetryRefusedError, match="does not exist"):
        read_run_results(tmp_path / "nowhere")
    with pytest.raises(RetryRefusedError, match=r"there is no run_results\.json in"):
        read_run_results(tmp_path)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run_results.json").mkdir()
    with pytest.raises(RetryRefusedError, match="Could not read"):
        read_run_results(tmp_path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON, JSON)
def test_no_document_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, metadata: object, arguments: object, row: object
) -> None:
    folder = tmp_path_factory.mktemp("any")
    for content in (
        {"metadata": metadata, "args": arguments, "results": [row]},
        document(args={"which": arguments}),
        document(results=[row]),
        document(results=[{"unique_id": row, "status": arguments, "execution_time": metadata}]),
    ):
        written(folder, content)
        assert "\n" not in refusal_of(folder)


def refusal_of(folder: Path) -> str:
    try:
        read_run_results(folder)
    except RetryRefusedError as refusal:
        return str(refusal)
    return ""


@given(st.none() | st.text() | st.integers())
def test_times_never_raise(value: object) -> None:
    moment = parse_time(value)
    assert moment is None or moment.tzinfo is not None
