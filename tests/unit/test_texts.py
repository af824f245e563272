from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.texts import counted, in_short


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (-1, "0.0 s"),
        (0, "0.0 s"),
        (0.24, "0.2 s"),
        (9.9, "9.9 s"),
        (9.96, "10 s"),
        (10, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 m"),
        (60, "1 m"),
        (2460, "41 m"),
        (3599, "1 h"),
        (3600, "1 h"),
        (10_800, "3 h"),
        (86_400, "24 h"),
        (172_799, "2 d"),
        (172_800, "2 d"),
        (864_000, "10 d"),
    ],
)
def test_how_long(seconds: float, says: str) -> None:
    assert in_short(seconds) == says


@given(st.floats(0, 1e9))
def test_no_number_is_as_long_as_the_next_unit(seconds: float) -> None:
    number, unit = in_short(seconds).split()
    assert float(number) < {"s": 60, "m": 60, "h": 48, "d": 1e9}[unit]
    assert ("." in number) == (unit == "s" and float(number) < 10)
    in_seconds = float(number) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[unit]
    assert abs(in_seconds - seconds) <= 0.5 * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[unit] + 1


@given(st.floats())
def test_no_number_of_seconds_raises(seconds: float) -> None:
    assert in_short(seconds)


def test_how_many() -> None:
    assert [counted(number, "node") for number in (0, 1, 2)] == ["0 nodes", "1 node", "2 nodes"]
