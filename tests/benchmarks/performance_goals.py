"""What was aimed at, and whether it was reached, by the wall clock."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence

from performance_figures import Measured, later_attempt, memory, models_of, outside, ratios, samples_of, wall
from retry_cost import OURS, UPSTREAM

# The share of `dbt retry` that a retry of one leaf may take, by models and by whether they are dense.
ONE_LEAF: Mapping[tuple[int, bool], float] = {
    (10, False): 1.0,
    (100, False): 0.7,
    (1000, False): 0.4,
    (5000, False): 0.25,
    (10_000, False): 0.2,
    (5000, True): 0.2,
}
DRY_RUN, OUTSIDE, LATER_ATTEMPT, MEMORY = 0.2, 0.25, 0.1, 1.0
SLOPE, SLOPE_BETWEEN = 1.0, (5000, 10_000)  # ms a model
START: Mapping[str, float] = {"dbt --help": 30, "dbt clean": 5, "dbt list": 5}  # ms


def goals(retries: Sequence[Measured], starts: Sequence[Measured]) -> Iterator[str]:
    """Yield a row for each goal and each place where it was measured."""
    for measured in retries:
        place = f"{measured['machine']['dbt']} | {models_of(measured['case'])}"
        for what, goal, found in _of_retries(measured):
            yield _row(place, what, f"{goal:.2f}", f"{found:.2f}", reached=found <= goal)
    for version in dict.fromkeys(measured["machine"]["dbt"] for measured in retries):
        slope = _slope([measured for measured in retries if measured["machine"]["dbt"] == version])
        if slope is not None:
            what = f"`{OURS}`, for each model more"
            yield _row(f"{version} | ", what, f"{SLOPE:.1f} ms", f"{slope:.2f} ms", reached=slope <= SLOPE)
    for measured in starts:
        for found in measured["start"]:
            if found["name"] in START:
                counted = found["instructions"]
                goal, added = START[found["name"]], found["added"] if counted is None else counted * found["disabled"]
                by = "" if counted is None else ", by instructions"
                place, what = f"{measured['machine']['dbt']} | ", f"added to `{found['name']}`{by}"
                yield _row(place, what, f"{goal:.0f} ms", f"{added:.1f} ms", reached=added <= goal)


def _of_retries(measured: Measured) -> Iterator[tuple[str, float, float]]:
    by_command, case = samples_of(measured), measured["case"]
    upstream, ours = by_command[UPSTREAM], by_command[OURS]
    if case["missing"] == "one":
        goal = ONE_LEAF.get((case["models"], case["dense"]))
        if goal is not None:
            yield f"`{OURS}`", goal, statistics.median(ratios(ours, upstream, wall))
        dry_run = f"{OURS} --dry-run"
        yield f"`{dry_run}`", DRY_RUN, statistics.median(ratios(by_command[dry_run], upstream, wall))
    else:
        yield "outside of the nodes, 5 % of them", OUTSIDE, statistics.median(ratios(ours, upstream, outside))
    yield "memory", MEMORY, statistics.median(ratios(ours, upstream, memory))
    later = later_attempt(measured)
    if later is not None:
        yield "one more attempt", LATER_ATTEMPT, later / statistics.median(map(wall, upstream))


def _slope(retries: Sequence[Measured]) -> float | None:
    """Milliseconds that a model more takes."""
    seconds = {
        measured["case"]["models"]: statistics.median(map(wall, samples_of(measured)[OURS]))
        for measured in retries
        if measured["case"]["missing"] == "one" and not measured["case"]["dense"]
    }
    if not seconds.keys() >= set(SLOPE_BETWEEN):
        return None
    low, high = SLOPE_BETWEEN
    return (seconds[high] - seconds[low]) / (high - low) * 1000


def _row(place: str, what: str, goal: str, found: str, *, reached: bool) -> str:
    return f"| {place} | {what} | {goal} | {found} | {'yes' if reached else 'no'} |"
