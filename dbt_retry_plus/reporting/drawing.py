"""Where the marks of the drawings in a report go: nodes as a graph, and their attempts on a timeline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dbt_retry_plus.types import Attempt, ReportedNode, RetryReport
from dbt_retry_plus.words import Fate

_MOST_DRAWN = 150
_BOX_WIDTH, _BOX_HEIGHT, _GAP_ACROSS, _GAP_DOWN, _MARGIN = 210.0, 34.0, 60.0, 12.0, 8.0
_LANE, _TIMELINE_WIDTH, _THINNEST = 22.0, 1000.0, 1.5

# What a reader looks for first is drawn first, where not all can be.
_ORDER = (
    Fate.STILL_FAILING,
    Fate.NEWLY_FAILING,
    Fate.FAILED,
    Fate.INTERRUPTED,
    Fate.NEVER_ATTEMPTED,
    Fate.LEFT_OUT,
    Fate.RECOVERED,
    Fate.REBUILT,
)


@dataclass(frozen=True)
class Box:
    """A node of the graph.

    Attributes:
        node: The node.
        x: Its left side.
        y: Its top.
    """

    node: ReportedNode
    x: float
    y: float


@dataclass(frozen=True)
class Drawing:
    """The retry set as a graph, from left to right.

    Attributes:
        boxes: Its nodes, and the proven ones that they read.
        lines: Paths (SVG) from parents to children.
        width: Of the whole.
        height: Of the whole.
        left_out: How many nodes of the retry set are not drawn.
        box_width: Of a box.
        box_height: Of a box.
    """

    boxes: tuple[Box, ...]
    lines: tuple[str, ...]
    width: float
    height: float
    left_out: int
    box_width: float = _BOX_WIDTH
    box_height: float = _BOX_HEIGHT


@dataclass(frozen=True)
class Bar:
    """An attempt on the timeline.

    Attributes:
        node: Its node.
        attempt: The attempt.
        x: When it began.
        width: How long it took.
    """

    node: ReportedNode
    attempt: Attempt
    x: float
    width: float


@dataclass(frozen=True)
class Timeline:
    """The attempts by thread.

    Attributes:
        lanes: For each thread, its bars.
        width: Of the whole.
        lane_height: Of a lane.
        seconds: What the whole width stands for.
    """

    lanes: Mapping[str, tuple[Bar, ...]]
    seconds: float
    width: float = _TIMELINE_WIDTH
    lane_height: float = _LANE


def graph_of(report: RetryReport) -> Drawing:
    """Lay out the retry set, or what did not succeed at once: each node to the right of what it reads."""
    wanted = [node for fate in _ORDER for node in report.with_fate(fate)]
    drawn = _drawn(wanted, {node.unique_id: node for node in report.nodes})
    layers = _layers(drawn)
    places = {u: (number, row) for number, layer in enumerate(layers) for row, u in enumerate(layer)}
    boxes = {u: Box(drawn[u], _across(number), _down(row)) for u, (number, row) in places.items()}
    return Drawing(
        boxes=tuple(boxes.values()),
        lines=tuple(
            _line(boxes[parent], boxes[u]) for u, node in drawn.items() for parent in node.parents if parent in boxes
        ),
        width=_across(len(layers)) - _GAP_ACROSS + _MARGIN,
        height=_down(max(map(len, layers), default=0)) - _GAP_DOWN + _MARGIN,
        left_out=sum(1 for node in wanted if node.unique_id not in drawn),
    )


def timeline_of(report: RetryReport) -> Timeline:
    """Lay out the attempts whose times are known."""
    timed = [
        (node, attempt, attempt.started_at, attempt.completed_at)
        for node in report.nodes
        for attempt in node.attempts
        if attempt.started_at and attempt.completed_at
    ]
    if not timed:
        return Timeline({}, 0.0)
    begin = min(started for *_, started, _ in timed)
    whole = max(_seconds(begin, completed) for *_, completed in timed) or 1.0
    scale = _TIMELINE_WIDTH / whole
    lanes: defaultdict[str, list[Bar]] = defaultdict(list)
    for node, attempt, started, completed in sorted(timed, key=lambda found: found[2]):
        width = max(_seconds(started, completed) * scale, _THINNEST)
        x = min(_seconds(begin, started) * scale, _TIMELINE_WIDTH - _THINNEST)
        lanes[attempt.thread or "no thread"].append(Bar(node, attempt, round(x, 2), round(width, 2)))
    return Timeline({name: tuple(lanes[name]) for name in sorted(lanes, key=_by_number)}, whole)


def _drawn(wanted: Sequence[ReportedNode], by_id: Mapping[str, ReportedNode]) -> dict[str, ReportedNode]:
    """The nodes that are drawn, each with its relatives as long as there is room."""
    children: defaultdict[str, list[str]] = defaultdict(list)
    for node in wanted:
        for parent in node.parents:
            children[parent].append(node.unique_id)
    drawn: dict[str, ReportedNode] = {}
    for node in wanted:
        relatives = (u for u in (*node.parents, *children[node.unique_id]) if u in by_id)
        for unique_id in (node.unique_id, *relatives):
            if len(drawn) >= _MOST_DRAWN:
                return drawn
            drawn.setdefault(unique_id, by_id[unique_id])
    return drawn


def _layers(drawn: Mapping[str, ReportedNode]) -> list[list[str]]:
    """The nodes in columns, each as far left as what it reads allows, and there near to what it reads."""
    parents = {u: [p for p in node.parents if p in drawn and p != u] for u, node in drawn.items()}
    left = {u: len(found) for u, found in parents.items()}
    children: defaultdict[str, list[str]] = defaultdict(list)
    for unique_id, found in parents.items():
        for parent in found:
            children[parent].append(unique_id)
    layers: list[list[str]] = []
    layer = [u for u, number in left.items() if not number]
    while layer:
        layers.append(_near_to_parents(layer, parents, layers))
        ready = []
        for unique_id in layer:
            for child in children[unique_id]:
                left[child] -= 1
                if not left[child]:
                    ready.append(child)
        layer = ready
    placed = {u for layer in layers for u in layer}
    rest = [u for u in drawn if u not in placed]  # a circle, which dbt refuses and a damaged report can hold
    return [*layers, rest] if rest else layers


def _near_to_parents(
    layer: Sequence[str], parents: Mapping[str, Collection[str]], layers: Sequence[Sequence[str]]
) -> list[str]:
    rows = {u: row for earlier in layers for row, u in enumerate(earlier)}
    middle = {u: sum(rows[p] for p in parents[u]) / len(parents[u]) if parents[u] else 0.0 for u in layer}
    return sorted(layer, key=lambda u: (middle[u], u))


def _across(layer: int) -> float:
    return _MARGIN + layer * (_BOX_WIDTH + _GAP_ACROSS)


def _down(row: int) -> float:
    return _MARGIN + row * (_BOX_HEIGHT + _GAP_DOWN)


def _line(parent: Box, child: Box) -> str:
    x1, y1 = parent.x + _BOX_WIDTH, parent.y + _BOX_HEIGHT / 2
    x2, y2 = child.x, child.y + _BOX_HEIGHT / 2
    bend = max((x2 - x1) / 2, 20.0)
    return f"M{x1:g},{y1:g} C{x1 + bend:g},{y1:g} {x2 - bend:g},{y2:g} {x2:g},{y2:g}"


def _seconds(begin: datetime, end: datetime) -> float:
    return max((end - begin).total_seconds(), 0.0)


def _by_number(thread: str) -> tuple[int, str]:
    """`Thread-10` comes after `Thread-9`."""
    return len(thread), thread
