"""The plot of docs/performance.md: how long retries take, by the number of models."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence

from performance_figures import Measured, samples_of, wall
from retry_cost import OURS, UPSTREAM

COLORS = {UPSTREAM: "#c2410c", OURS: "#0f766e"}
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 360, 60, 620, 35, 325
_SMALLEST, _LARGEST = 10, 20_000  # models
_SHORTEST, _LONGEST = 1, 100  # seconds


def plot(retries: Sequence[Measured]) -> str:
    """Seconds by models, both on a logarithmic scale, of the newest minor that was measured."""
    versions = [measured["machine"]["dbt"] for measured in retries]
    shown = versions[-1] if versions else ""
    of_leaves = [
        measured
        for measured in retries
        if measured["machine"]["dbt"] == shown
        and measured["case"]["missing"] == "one"
        and not measured["case"]["dense"]
    ]
    title = f"Seconds of a retry of one leaf, dbt-core {shown}, by models (medians)"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            f'<text x="{LEFT}" y="20">{title}</text>',
            *_scales(),
            *(part for command in COLORS for part in _line(command, of_leaves)),
            "</svg>",
            "",
        ]
    )


def _scales() -> Iterator[str]:
    for models in (10, 100, 1000, 10_000):
        yield f'<text x="{_x(models):.0f}" y="{BOTTOM + 20}" text-anchor="middle">{models:,}</text>'
    for seconds in (1, 3, 10, 30, 100):
        y = f"{_y(seconds):.0f}"
        yield f'<line x1="{LEFT}" x2="{RIGHT}" y1="{y}" y2="{y}" stroke="#e5e7eb"/>'
        yield f'<text x="{LEFT - 10}" y="{_y(seconds) + 4:.0f}" text-anchor="end">{seconds} s</text>'


def _line(command: str, retries: Sequence[Measured]) -> Iterator[str]:
    color = COLORS[command]
    points = [
        (measured["case"]["models"], statistics.median(map(wall, samples_of(measured)[command])))
        for measured in retries
    ]
    path = " ".join(f"{_x(models):.1f},{_y(seconds):.1f}" for models, seconds in points)
    yield f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>'
    for models, seconds in points:
        x, y = f"{_x(models):.1f}", _y(seconds)
        yield f'<circle cx="{x}" cy="{y:.1f}" r="3" fill="{color}"/>'
        yield f'<text x="{x}" y="{y - 8:.1f}" text-anchor="middle" fill="{color}">{seconds:.1f}</text>'
    models, seconds = points[0] if points else (_SMALLEST, _SHORTEST)
    yield f'<text x="{_x(models) + 8:.1f}" y="{_y(seconds) + 14:.1f}" fill="{color}">{command}</text>'


def _x(models: float) -> float:
    share = math.log10(models / _SMALLEST) / math.log10(_LARGEST / _SMALLEST)
    return LEFT + share * (RIGHT - LEFT)


def _y(seconds: float) -> float:
    share = math.log10(max(seconds, _SHORTEST) / _SHORTEST) / math.log10(_LONGEST / _SHORTEST)
    return BOTTOM - share * (BOTTOM - TOP)
