"""Shares of the tests, for the older minors of dbt-core: `pytest --share 2/3` runs the second third of them.

A test belongs to the same share in every run and on every machine. Those that are marked `every_minor` belong to all.
"""

from __future__ import annotations

import argparse
import zlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    number: int
    of: int

    def holds(self, test_id: str) -> bool:
        return zlib.crc32(test_id.encode()) % self.of == self.number - 1


def share(text: str) -> Share:
    """Read `2/3`."""
    number, separator, of = text.partition("/")
    if not (separator and number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise argparse.ArgumentTypeError(f"{text!r} is no share: give one like 2/3")
    return Share(int(number), int(of))
