"""Checks of where the retry would run: in another place than before, nothing is proven."""

from __future__ import annotations

from collections.abc import Iterator

from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.types import Finding, FoundRetry, Place
from dbt_retry_plus.words import Severity

_ANYHOW = "pass --allow-target-change to run the retry set there all the same."


@hookimpl
def retry_plus_check_record(retry: FoundRetry) -> Iterator[Finding]:
    """Compare where the chain ran with where the retry would run."""
    if not retry.allow_target_change:
        for name in ("profile", "target"):
            yield from _named_place(retry, name)
        yield from _other_warehouse(retry)
    yield from _other_version(retry)


def _named_place(retry: FoundRetry, name: str) -> Iterator[Finding]:
    original = retry.chain.original
    ran = f"{original.title} ran with the {name}"
    before: str | None = getattr(retry.recorded_place, name)
    now = retry.given.get(name, getattr(retry.place, name, None))
    if before is None or now is None or before == now:
        return
    if name in retry.given:
        message = f"{ran} {before!r}, and its proven nodes are not in {now!r}."
        remedy = f"Leave --{name} out, or {_ANYHOW}"
    else:
        message = f"{ran} {before!r}, and this retry would run with {now!r}."
        remedy = f"Give --{name} {before}, or set what it comes from as it was then, or {_ANYHOW}"
    yield Finding(Severity.ERROR, f"{name}-differs", message, remedy, passable=True)


def _other_warehouse(retry: FoundRetry) -> Iterator[Finding]:
    original = retry.chain.original
    for name in ("adapter", "schema"):
        before, now = _both(retry, name)
        if before is not None and now is not None and before != now:
            yield Finding(
                Severity.ERROR,
                f"{name}-differs",
                f"The target of {original.title} had the {name} {before!r}, and has {now!r} now: its proven nodes are "
                "not there.",
                f"Set it as it was then, run the original command again, or {_ANYHOW}",
                passable=True,
            )


def _other_version(retry: FoundRetry) -> Iterator[Finding]:
    for name, what in (("dbt_version", "dbt-core"), ("adapter_version", f"the {retry.recorded_place.adapter} adapter")):
        before, now = _both(retry, name)
        if before is not None and now is not None and before != now:
            yield Finding(
                Severity.WARNING,
                f"{name.replace('_', '-')}-differs",
                f"What is proven was built with {what} {before}, and the rest will be with {now}.",
                "Run the original command again if its nodes should all come from one version.",
            )


def _both(retry: FoundRetry, name: str) -> tuple[str | None, str | None]:
    now: Place = retry.place or Place()
    return getattr(retry.recorded_place, name), getattr(now, name)
