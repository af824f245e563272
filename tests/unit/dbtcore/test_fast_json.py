"""JSON that the compiled library writes is read as what dbt's own encoder writes."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import orjson
import pytest
from dbt.parser import manifest as parser
from dbt_common.utils.encoding import JSONEncoder
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.dbtcore.fast.json_text import JsonText
from dbt_retry_plus.dbtcore.fast.stored_manifest import STORED_MANIFEST

FINITE = st.floats(allow_nan=False, allow_infinity=False)
DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | FINITE
    | st.text()
    | st.dates()
    | st.datetimes(timezones=st.timezones()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def dbts_own(document: Any) -> str:
    return str(JSONEncoder().encode(document))


@given(DOCUMENTS)
def test_a_document_means_what_dbts_own_text_means(document: Any) -> None:
    written = JsonText().finite(document)
    assert written.isascii()
    found, expected = json.loads(written), json.loads(dbts_own(document))
    assert found == expected and dbts_own(found) == dbts_own(expected)  # 1 equals True and 1.0, its text does not


@pytest.mark.parametrize("value", ["ü", "\ud800", "\x7f", 2**64, -(2**70), Decimal("1.5"), {1: "one"}, (1, 2)])
def test_what_the_library_cannot_write_alike_is_left_to_dbts_encoder(value: Any) -> None:
    assert json.loads(JsonText().finite({"value": value})) == json.loads(dbts_own({"value": value}))


@pytest.mark.parametrize("value", [b"bytes", {date(2026, 1, 2): 1}, object()])
def test_what_dbt_cannot_write_is_refused_as_dbt_refuses_it(value: Any) -> None:
    with pytest.raises(TypeError) as refused:
        JsonText().finite({"value": value})
    with pytest.raises(TypeError) as expected:
        dbts_own({"value": value})
    assert str(refused.value) == str(expected.value)


def test_numbers_as_keys_become_texts() -> None:
    assert JsonText(numbers_as_keys=True).finite({0: {"name": "a"}, "_id": "x"}) == b'{"0":{"name":"a"},"_id":"x"}'


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, -math.nan])
def test_a_node_with_a_number_that_json_lacks_is_known(number: float) -> None:
    """The library would make null of it, where dbt writes NaN or Infinity."""
    assert orjson.dumps(number) == b"null" != dbts_own(number).encode()
    assert doubtful({"before": {"meta": 1.5}, "it": {"meta": {"deep": [number]}}, "after": {"meta": -0.0}}) == {"it"}


@given(st.dictionaries(st.text(), DOCUMENTS | st.floats(), max_size=4))
def test_no_node_with_such_a_number_is_missed(nodes: dict[str, Any]) -> None:
    packable = {name: value for name, value in nodes.items() if _fits_msgpack(value)}
    assert doubtful(packable) >= {name for name, value in packable.items() if _holds_no_number(value)}


def test_texts_that_look_like_such_numbers_are_none() -> None:
    assert doubtful({"node": {"text": "Ë\x7fðÿ Ëÿð", "moment": datetime(2026, 1, 2, tzinfo=timezone.utc)}}) == set()


def doubtful(nodes: dict[str, Any]) -> set[str]:
    with STORED_MANIFEST.enter():
        document = parser.extended_mashumuro_decoder(bytes(parser.extended_mashumaro_encoder({"nodes": nodes})))
    assert [name for name, _ in document["nodes"].items()] == list(nodes)
    return set(document["nodes"].doubtful)


def _fits_msgpack(value: Any) -> bool:
    try:
        parser.extended_mashumaro_encoder(value)
    except (OverflowError, TypeError, UnicodeEncodeError, ValueError):
        return False
    return True


def _holds_no_number(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_no_number, value.values()))
    if isinstance(value, list):
        return any(map(_holds_no_number, value))
    return isinstance(value, float) and not math.isfinite(value)
