"""Texts for people: numbers in words, lists in short, and what a project says, made safe for a terminal.

Nothing here imports more than the standard library's basics: the startup file comes this way too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def printable(text: str, longest: int = 1000) -> str:
    """Make of a text one that a terminal shows as it is, its spaces kept."""
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def one_line(text: str, longest: int = 200) -> str:
    """Make of a text one line that a terminal shows as it is."""
    return printable(" ".join(text.split()), longest)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows under a header, each column as wide as its widest text."""
    lines = [[one_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in padded)


def in_short(seconds: float) -> str:
    """Say how long something is, in its largest unit: `3 h`, `41 m`, `0.2 s`."""
    if round(seconds, 1) < 10:
        return f"{max(seconds, 0):.1f} s"
    if round(seconds, 0) < _MINUTE:
        return f"{seconds:.0f} s"
    if round(seconds / _MINUTE, 0) < _HOUR / _MINUTE:
        return f"{seconds / _MINUTE:.0f} m"
    hours = round(seconds / _HOUR, 0)
    return f"{hours:.0f} h" if hours < 2 * _DAY / _HOUR else f"{seconds / _DAY:.0f} d"


def counted(number: int, noun: str) -> str:
    """Say how many: `1 node`, `2 nodes`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def some_of(names: Collection[str], most: int = 5) -> str:
    """Name the first few, and say how many more there are."""
    shown = ", ".join(sorted(names)[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
