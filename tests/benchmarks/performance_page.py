"""The page about speed, from what `retry_cost.py` measured: a table and a plot."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

UPSTREAM, OURS = "dbt retry", "dbt retry-plus"
PLOT = "performance.svg"
PAGE = """# How long a retry takes

`dbt retry-plus` does dbt's own work with dbt's own code, and does once, lazily or faster what dbt does several times
(`dbt_retry_plus/dbtcore/fast/`). What it leaves behind is the same, which `tests/functional/test_fast_artifacts.py` shows.

{table}

The goals, as the share of `dbt retry` that one failed leaf may cost, and what was measured of them above:

{goals}

![CPU seconds of a retry, by the number of models]({plot})

How to read it:

- A generated project on DuckDB: layers of models with about as many data tests, seeds, snapshots and descriptions
  (`tests/benchmarks/layered_project.py`). One leaf failed (*one*), or half of the last layer, 5 % of the models (*some*);
  the table that they read has arrived since. No file changed, so dbt's partial parsing finds nothing to do.
- Each command ran in as many processes as *runs* says, which took turns from identical copies of one state. Times and
  memory are medians. A ratio is the median of the ratios to the `dbt retry` of the same turn; in brackets the smallest
  and the largest.
- Of a project that is *made*, only the leaf was built: its other relations are views of a few rows, and the journal and
  the results tell of them as those of a build do (`tests/benchmarks/made_state.py`). In a *dense* one, a node has some 700
  others above it.
- `dbt retry` and `dbt build` ran with dbt-retry-plus turned off (`DBT_RETRY_PLUS_DISABLE=1`), so they record nothing;
  `dbt retry-plus` records itself.
- Measured on {cores} cores. The load average at the end of each row was between {low:.1f} and {high:.1f}, of which a retry
  by itself is 1; with more, wall times are longer and spread widely, and CPU time, which is that of the whole process, is
  the steadier measure.

`DBT_RETRY_PLUS_FAST=0` turns all of it off, and `DBT_RETRY_PLUS_FAST=garbage,test_edges` all but those two.

Made by `python tests/benchmarks/retry_cost.py --keep FOLDER --write`.
"""
HEAD = "| dbt-core | models | failed | command | runs | wall s | CPU s | memory MB | wall ratio | CPU ratio |"
GOALS_HEAD = "| dbt-core | models | command | goal | wall ratio | CPU ratio | reached, by CPU |"
GOALS: Mapping[tuple[int, bool], float] = {
    (10, False): 1.0,
    (100, False): 0.7,
    (1000, False): 0.4,
    (5000, False): 0.25,
    (10000, False): 0.2,
    (5000, True): 0.2,
}
DRY_RUN, DRY_RUN_GOAL = f"{OURS} --dry-run", 0.2
COLORS = {UPSTREAM: "#c2410c", OURS: "#0f766e"}


def write_page(page: Path, keep: Path) -> None:
    """Write the page and its plot from all measurements in a folder."""
    found = [json.loads(path.read_text()) for path in keep.glob("v*-t*.json")]
    found.sort(key=lambda one: (version_of(one), one["case"]["dense"], one["case"]["missing"], one["case"]["models"]))
    loads = [one["machine"]["load"][0] for one in found]
    lines = [HEAD, "|" + " --- |" * (HEAD.count("|") - 1), *(line for one in found for line in rows(one))]
    page.parent.mkdir(exist_ok=True)
    text = PAGE.format(
        table="\n".join(lines),
        goals="\n".join([GOALS_HEAD, "|" + " --- |" * (GOALS_HEAD.count("|") - 1), *goals(found)]),
        plot=PLOT,
        cores=found[0]["machine"]["cores"],
        low=min(loads),
        high=max(loads),
    )
    page.write_text(text)
    (page.parent / PLOT).write_text(plot(found))


def goals(found: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """What was aimed at, and whether it was reached."""
    lines = []
    for one in found:
        by_command, case = samples_of(one), one["case"]
        goal = GOALS.get((case["models"], case["dense"]))
        for command, aim in ((OURS, goal), (DRY_RUN, DRY_RUN_GOAL)):
            if case["missing"] == "one" and goal is not None and aim is not None:
                wall, cpu = (median_ratio(by_command[command], by_command[UPSTREAM], what) for what in ("wall", "cpu"))
                verdict = "yes" if cpu <= aim else "no"
                name = f"{one['machine']['dbt']} | {models_of(case)} | `{command}`"
                lines.append(f"| {name} | {aim:.2f} | {wall:.2f} | {cpu:.2f} | {verdict} |")
    return lines


def models_of(case: Mapping[str, Any]) -> str:
    kinds = [kind for kind in ("dense", "made") if case.get(kind)]
    return f"{case['models']:,}" + (f" ({', '.join(kinds)})" if kinds else "")


def median_ratio(samples: Sequence[Mapping[str, float]], upstream: Sequence[Mapping[str, float]], what: str) -> float:
    return statistics.median(mine[what] / theirs[what] for mine, theirs in zip(samples, upstream, strict=True))


def version_of(measured: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(int(part) for part in measured["machine"]["dbt"].split("."))


def samples_of(measured: Mapping[str, Any]) -> Mapping[str, list[Mapping[str, float]]]:
    by_command: dict[str, list[Mapping[str, float]]] = {}
    for sample in measured["samples"]:
        by_command.setdefault(sample["command"], []).append(sample)
    return by_command


def rows(measured: Mapping[str, Any]) -> Sequence[str]:
    by_command, case = samples_of(measured), measured["case"]
    return [
        f"| {measured['machine']['dbt']} | {models_of(case)} | {case['missing']} | `{command}` | {len(samples)} | "
        f"{median(samples, 'wall'):.1f} | {median(samples, 'cpu'):.1f} | {median(samples, 'memory'):.0f} | "
        f"{ratio(samples, by_command[UPSTREAM], 'wall')} | {ratio(samples, by_command[UPSTREAM], 'cpu')} |"
        for command, samples in sorted(by_command.items(), key=lambda item: (item[0] != UPSTREAM, item[0]))
    ]


def median(samples: Sequence[Mapping[str, float]], what: str) -> float:
    return statistics.median(sample[what] for sample in samples)


def ratio(samples: Sequence[Mapping[str, float]], upstream: Sequence[Mapping[str, float]], what: str) -> str:
    if samples is upstream:
        return "1"
    ratios = [mine[what] / theirs[what] for mine, theirs in zip(samples, upstream, strict=True)]
    return f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f}-{max(ratios):.2f})"


def plot(found: Sequence[Mapping[str, Any]]) -> str:
    """Seconds of CPU by models, both on a logarithmic scale."""
    versions = [one["machine"]["dbt"] for one in found]
    shown = max(versions, key=lambda version: (versions.count(version), version))
    lines = {
        command: [
            (one["case"]["models"], median(samples_of(one)[command], "cpu"))
            for one in found
            if one["machine"]["dbt"] == shown and one["case"]["missing"] == "one" and not one["case"]["dense"]
        ]
        for command in COLORS
    }
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 360" font-family="sans-serif" font-size="12">',
        '<rect width="640" height="360" fill="white"/>',
        f'<text x="60" y="20">CPU seconds of a retry of one leaf, dbt-core {shown}, by models</text>',
    ]
    parts += [
        f'<text x="{x(models):.0f}" y="345" text-anchor="middle">{models:,}</text>' for models in (10, 100, 1000, 10000)
    ]
    for seconds in (1, 3, 10, 30, 100):
        parts.append(f'<line x1="60" x2="620" y1="{y(seconds):.0f}" y2="{y(seconds):.0f}" stroke="#e5e7eb"/>')
        parts.append(f'<text x="50" y="{y(seconds) + 4:.0f}" text-anchor="end">{seconds} s</text>')
    for command, points in lines.items():
        path = " ".join(f"{x(models):.1f},{y(seconds):.1f}" for models, seconds in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{COLORS[command]}" stroke-width="2"/>')
        parts.extend(
            f'<circle cx="{x(models):.1f}" cy="{y(seconds):.1f}" r="3" fill="{COLORS[command]}"/>'
            f'<text x="{x(models):.1f}" y="{y(seconds) - 8:.1f}" text-anchor="middle" fill="{COLORS[command]}">'
            f"{seconds:.1f}</text>"
            for models, seconds in points
        )
        end = points[-1]
        parts.append(
            f'<text x="{x(end[0]) + 10:.1f}" y="{y(end[1]) + 4:.1f}" fill="{COLORS[command]}">{command}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def x(models: float) -> float:
    return 60 + (math.log10(models) - 1) / 3.3 * 560


def y(seconds: float) -> float:
    return 325 - math.log10(max(seconds, 1)) / 2 * 290
