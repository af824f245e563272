"""Figures from what was measured: of one process, of pairs of them, and of all that ran in turns."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from retry_cost import ATTEMPTS, FAILING

Measured = Mapping[str, Any]
Figure = Callable[[Measured], float | None]


def wall(sample: Measured) -> float:
    return float(sample["wall"])


def cpu(sample: Measured) -> float:
    return float(sample["cpu"])


def memory(sample: Measured) -> float:
    return float(sample["memory"])


def before(sample: Measured) -> float | None:
    return None if sample["before"] is None else float(sample["before"])


def after(sample: Measured) -> float | None:
    return None if sample["after"] is None else float(sample["after"])


def outside(sample: Measured) -> float | None:
    """Seconds in which no node ran yet, or none any more."""
    return None if sample["before"] is None else float(sample["before"] + sample["after"])


def ratios(samples: Sequence[Measured], upstream: Sequence[Measured], figure: Figure) -> list[float]:
    pairs = ((figure(mine), figure(theirs)) for mine, theirs in zip(samples, upstream, strict=True))
    return [mine / theirs for mine, theirs in pairs if mine is not None and theirs]


def models_of(case: Measured) -> str:
    kinds = [kind for kind in ("dense", "made") if case.get(kind)]
    return f"{case['models']:,}" + (f" ({', '.join(kinds)})" if kinds else "")


def samples_of(measured: Measured) -> Mapping[str, list[Measured]]:
    by_command: dict[str, list[Measured]] = {}
    for sample in measured["samples"]:
        by_command.setdefault(sample["command"], []).append(sample)
    return by_command


def later_attempt(measured: Measured) -> float | None:
    """Seconds that one more attempt took; None where that was not measured."""
    found = [samples_of(measured).get(name) for name in FAILING]
    if not all(found):
        return None
    one, all_of_them = (statistics.median(map(wall, samples or ())) for samples in found)
    return (all_of_them - one) / (ATTEMPTS - 1)
