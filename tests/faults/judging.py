"""What is wrong with what a case has led to; told from raw lines of journals and from the warehouse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.faults.project import APPENDED, unique_id
from tests.faults.ran import Ran
from tests.faults.scene import failed_attempts

_OF_DBT_DUCKDB = "Python model failed:"  # with all of the error, as dbt-duckdb shows it
PROVEN = frozenset({"success", "pass", "no-op"})


def wrongs(ran: Ran) -> Iterator[str]:
    """Yield what should not be, as sentences."""
    yield from _wrong_in_any_case(ran)
    yield from _wrong_after_passing(ran) if ran.fault.passes else _wrong_after_staying(ran)


def _wrong_in_any_case(ran: Ran) -> Iterator[str]:
    again = _succeeded(ran.first) & {line["node"] for line in ran.lines if line["event"] == "start"}
    yield from (f"{node} was proven, and ran again" for node in sorted(again))
    proven = _succeeded(ran.first)
    for node, number in ran.began.items():
        failed = sum(line["node"] == unique_id(node) for line in failed_attempts(ran.lines))
        if unique_id(node) in proven and number:
            yield f"{node} was proven, and began {number} times in the database"
        elif ran.fault.keeps_counts and number > 1 + failed:
            yield f"{node} began {number} times in the database, and the journal has {failed} failed attempts of it"
    if "Traceback" in ran.invocation.output and _OF_DBT_DUCKDB not in ran.invocation.output:
        yield "a traceback was shown"
    if ran.fault.before_nodes and "No node could begin on attempt 1 of" not in ran.invocation.output:
        yield "it was not held up before the first node"


def _wrong_after_passing(ran: Ran) -> Iterator[str]:
    in_doubt = _in_doubt(ran)
    if ran.invocation.exit_code != int(bool(in_doubt)):
        yield f"it ended with {ran.invocation.exit_code}"
    for name in sorted(ran.expected.keys() | ran.relations.keys()):
        ours, expected = ran.relations.get(name), ran.expected.get(name)
        if ours != expected and not (in_doubt and name == f"main.{APPENDED}"):
            yield f"{name} is {ours}, and {expected} after an undisturbed build"
    failed = list(failed_attempts(ran.lines))
    if (
        ran.fault.hits
        and not ran.fault.before_nodes
        and not any(line["node"] == unique_id(ran.case.node) for line in failed)
    ):
        yield "the journal has no failed attempt of the node"
    last = (line for line in failed if line["delay"] is None and line["node"] not in in_doubt)
    yield from (f"the journal has a last attempt that failed: {line}" for line in last)
    selected = {node for line in ran.lines if line["event"] == "selection" for node in line["nodes"]}
    unproven = selected - _succeeded(ran.lines) - in_doubt
    yield from (f"{node} was selected, and is not proven" for node in sorted(unproven))
    for node, number in ran.committed.items():
        if unique_id(node) in selected and number != 1 and not ran.fault.loses_commits:
            yield f"{node} was committed {number} times"


def _in_doubt(ran: Ran) -> set[str]:
    """The node that appends, where its connection was lost while it committed: nobody knows what the database has."""
    appended = unique_id(APPENDED)
    lost = any(
        line["node"] == appended and line["delay"] is None and line["class"] == "unknown"
        for line in failed_attempts(ran.lines)
    )
    return {appended} if lost and ran.fault.loses_commits else set()


def _wrong_after_staying(ran: Ran) -> Iterator[str]:
    if ran.invocation.exit_code != 1:
        yield f"it ended with {ran.invocation.exit_code}"
    failed = list(failed_attempts(ran.lines))
    if not any(line["node"] == unique_id(ran.case.node) for line in failed):
        yield "the journal has no failed attempt of the node"
    yield from (f"it was tried again: {line}" for line in failed if line["delay"] is not None)
    yield from (f"there was a second attempt: {line}" for line in failed if line["number"] != 1)
    if ran.began[ran.case.node] != ran.fault.began:
        yield f"{ran.case.node} began {ran.began[ran.case.node]} times in the database"


def _succeeded(lines: list[Mapping[str, object]]) -> set[str]:
    return {
        str(line["node"])
        for line in lines
        if line["event"] == "finish" and line["row"]["status"] in PROVEN  # type: ignore[index]
    }


def counts(ran: Ran) -> dict[str, int]:
    """What is added up over all cases; first those numbers that are shown when they are 0 too."""
    failed = list(failed_attempts(ran.lines))
    return {
        "cases": 1,
        "retries that ended green": int(ran.invocation.exit_code == 0),
        "nodes that recovered": len(
            {line["node"] for line in failed if line["delay"] is not None} & _succeeded(ran.lines)
        ),
        "attempts that failed": len(failed),
        "of which transient": sum(line["class"] == "transient" for line in failed),
        "commits in doubt, left to the user": len(_in_doubt(ran)),
        "faults that did not hit": int(not failed),
        f"{ran.case.adapter}: {ran.case.fault}": 1,
    }


def account(ran: Ran, found: list[str]) -> str:
    """Everything that is needed to understand what went wrong."""
    return "\n".join(
        [
            "",
            *found,
            "",
            str(ran.case),
            f"replay it: FAULTS_REPLAY={ran.case.seed}",
            f"began: {dict(ran.began)}",
            f"committed: {dict(ran.committed)}",
            *(str(line) for line in failed_attempts(ran.lines)),
            ran.invocation.output[-6000:],
        ]
    )
