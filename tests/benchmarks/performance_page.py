"""The page about speed, from what `performance.py` measured: tables and a plot."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from performance_figures import (
    Figure,
    Measured,
    after,
    before,
    cpu,
    later_attempt,
    memory,
    models_of,
    outside,
    ratios,
    samples_of,
    wall,
)
from performance_goals import goals
from performance_plot import plot
from retry_cost import ATTEMPTS, FAILING, UPSTREAM

PLOT = "performance.svg"
PAGE = """# How long a retry takes

`dbt retry-plus` does dbt's own work with dbt's own code, and does once, lazily or faster what dbt does several times
(`dbt_retry_plus/dbtcore/fast/`). What it leaves behind is the same, which `tests/functional/test_fast_artifacts.py` shows,
and so do all tests that run both (`tests/support/differential.py`); there may be no blanks between the values of its JSON.

{retries}

![Seconds that a retry takes, by the number of models]({plot})

The goals, and what was measured of them:

{goals}

## What else is measured

What a later attempt of a failed node costs: {attempts} attempts that all fail, beside one, and the share of a whole
`dbt retry` that one more attempt is.

{later}

`dbt-retry-plus history` of 20 invocations, half of them killed: the first time, when it reads the journals of the killed
ones, and afterwards.

{history}

What recording costs a `dbt run`, beside one with `DBT_RETRY_PLUS_DISABLE=1`: medians, and in brackets the smallest and
the largest ratio.

{recording}

Starting up: milliseconds of a process as it is and with `DBT_RETRY_PLUS_DISABLE=1`, the median of the differences between
neighbours, and how many instructions more the processor executes (by valgrind), which tells more where the speed of the
machine varies by more than what is added. None of these commands is recorded.

{start}

## How to read it

- A generated project on DuckDB: layers of models with about as many data tests, seeds, snapshots and descriptions
  (`tests/benchmarks/layered_project.py`). One leaf failed (*one*), or half of the last layer, 5 % of the models (*some*);
  the table that they read has arrived since. No file changed, so dbt's partial parsing finds nothing to do.
- Each command ran in as many processes as *runs* says, which took turns from identical copies of one state. Times and
  memory are medians. A ratio is the median of the ratios to the `dbt retry` of the same turn; in brackets the smallest
  and the largest.
- *Before* is the time until the first node begins, *after* that since the last one has ended, and *outside* both.
- Of a project that is *made*, only the leaves were built that fail: its other relations are views of a few rows, and the
  journal and the results tell of them as those of a build do (`tests/benchmarks/made_state.py`). In a *dense* one, a node has
  some 700 others above it.
- `dbt retry` and `dbt build` ran with dbt-retry-plus turned off (`DBT_RETRY_PLUS_DISABLE=1`), so they record nothing;
  `dbt retry-plus` records itself.
- Measured on {cores} cores with Python {pythons}. The load average at the end of each row was between {low:.1f} and
  {high:.1f}, of which a retry by itself is 1.

`DBT_RETRY_PLUS_FAST=0` turns all of it off, and `DBT_RETRY_PLUS_FAST=garbage,test_edges` all but those two.

Made by `python tests/benchmarks/performance.py --keep FOLDER`, once for each minor.
"""


def write_page(page: Path, keep: Path) -> None:
    """Write the page and its plot from all measurements in a folder."""
    found = [json.loads(path.read_text()) for path in keep.glob("v*.json")]
    found.sort(key=lambda one: _version(one["machine"]["dbt"]))
    retries = sorted((one for one in found if "samples" in one), key=_order)
    loads = [one["machine"]["load"][0] for one in found]
    text = PAGE.format(
        retries=table(RETRIES, (row for one in retries for row in retry_rows(one))),
        goals=table(GOALS, goals(retries, [one for one in found if "start" in one])),
        later=table(LATER, (row for one in retries for row in later_rows(one))),
        history=table(HISTORY, rows_of(found, "history", history_row)),
        recording=table(RECORDING, rows_of(found, "recording", recording_row)),
        start=table(START, rows_of(found, "start", start_row)),
        attempts=ATTEMPTS,
        plot=PLOT,
        cores=found[0]["machine"]["cores"],
        pythons=" and ".join(sorted({one["machine"]["python"] for one in found})),
        low=min(loads),
        high=max(loads),
    )
    page.parent.mkdir(exist_ok=True)
    (page.parent / PLOT).write_text(plot(retries))
    page.write_text(text)


def table(head: str, rows: Iterator[str]) -> str:
    return "\n".join([head, "|" + " --- |" * (head.count("|") - 1), *rows])


RETRIES = (
    "| dbt-core | models | failed | command | runs | wall s | CPU s | memory MB | before s | after s "
    "| wall ratio | CPU ratio | outside ratio |"
)
GOALS = "| dbt-core | models | what | goal | measured | reached |"
LATER = "| dbt-core | models | one attempt s | six attempts s | one more s | share of `dbt retry` |"
HISTORY = "| dbt-core | nodes of each | the first time s | afterwards s |"
RECORDING = "| dbt-core | models | pairs | recorded s | not recorded s | wall ratio | CPU ratio |"
START = "| dbt-core | process | runs | as it is | turned off | adds | instructions |"


def retry_rows(measured: Measured) -> Iterator[str]:
    by_command, case = samples_of(measured), measured["case"]
    upstream = by_command[UPSTREAM]
    for command, samples in sorted(by_command.items(), key=lambda item: (item[0] != UPSTREAM, item[0])):
        if command not in FAILING:
            ratios = (ratio(samples, upstream, seconds) for seconds in (wall, cpu, outside))
            yield (
                f"| {measured['machine']['dbt']} | {models_of(case)} | {case['missing']} | `{command}` | {len(samples)} | "
                f"{median(samples, wall)} | {median(samples, cpu)} | {median(samples, memory, 0)} | "
                f"{median(samples, before)} | {median(samples, after)} | {' | '.join(ratios)} |"
            )


def later_rows(measured: Measured) -> Iterator[str]:
    by_command = samples_of(measured)
    later = later_attempt(measured)
    if later is not None:
        one, all_of_them = (by_command[name] for name in FAILING)
        share = later / statistics.median(map(wall, by_command[UPSTREAM]))
        name = f"{measured['machine']['dbt']} | {models_of(measured['case'])}"
        yield f"| {name} | {median(one, wall)} | {median(all_of_them, wall)} | {later:.2f} | **{share:.3f}** |"


def rows_of(found: Sequence[Measured], part: str, row: Callable[[Measured], str]) -> Iterator[str]:
    for one in found:
        yield from (f"| {one['machine']['dbt']} | {row(figures)} |" for figures in one.get(part, ()))


def history_row(found: Measured) -> str:
    return f"{found['nodes']:,} | {found['first']:.2f} | {found['afterwards']:.2f}"


def recording_row(found: Measured) -> str:
    ratios = (
        f"{cost['ratio']:.3f} ({cost['lowest']:.3f}-{cost['highest']:.3f})" for cost in (found["wall"], found["cpu"])
    )
    seconds = f"{found['wall']['recorded']:.2f} | {found['wall']['unrecorded']:.2f}"
    return f"{found['models']:,} | {found['pairs']} | {seconds} | {' | '.join(ratios)}"


def start_row(found: Measured) -> str:
    figures = (found["enabled"], found["disabled"], found["added"])
    texts = ("" if figure is None else f"{figure:,.1f} ms" for figure in figures)
    more = "" if found["instructions"] is None else f"{found['instructions']:+.2%}"
    return f"{found['name']} | {found['runs']} | {' | '.join(texts)} | {more}"


def median(samples: Sequence[Measured], figure: Figure, digits: int = 1) -> str:
    figures = [found for sample in samples if (found := figure(sample)) is not None]
    return f"{statistics.median(figures):.{digits}f}" if figures else ""


def ratio(samples: Sequence[Measured], upstream: Sequence[Measured], figure: Figure) -> str:
    found = ratios(samples, upstream, figure)
    if samples is upstream or not found:
        return "1" if samples is upstream else ""
    return f"**{statistics.median(found):.2f}** ({min(found):.2f}-{max(found):.2f})"


def _order(measured: Measured) -> tuple[Any, ...]:
    case = measured["case"]
    return _version(measured["machine"]["dbt"]), case["dense"], case["missing"], case["models"], case["made"]


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
