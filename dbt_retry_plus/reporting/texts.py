"""Texts of a project on a terminal: its names and messages are not to be trusted with control characters."""

from __future__ import annotations

from collections.abc import Sequence


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
