"""Reports for the viewers of test results that CI systems have.

Each node is a test case. What failed and then recovered passes, with its earlier failure as Surefire writes the one of
a flaky test: https://maven.apache.org/surefire/maven-surefire-plugin/examples/rerun-failing-tests.html. What fails
again has its newest failure as its own, and the earlier one as that of a rerun.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from junitparser import Error, Failure, Skipped, xunit2
from junitparser.junitparser import FinalResult

from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.reporting.plain_text import plain, plain_line
from dbt_retry_plus.reporting.sentences import GREEN, VERDICTS, command_of, how_flaky, resumed_from, what_failed, why
from dbt_retry_plus.types import ReportedNode, ReportFormat, RetryReport
from dbt_retry_plus.words import NOT_STARTED, UNPROVEN_FATES, Fate

_ALL_MESSAGES = 8_000_000
_SHORTEST_MESSAGE, _LONGEST_MESSAGE = 500, 20_000
_FAILURE = "fail"  # a test that found something; all else that goes wrong is an error
_DID_NOT_RUN = frozenset({None, "skipped", NOT_STARTED})


def render(report: RetryReport) -> str:
    """Render a report as JUnit XML."""
    longest = max(_SHORTEST_MESSAGE, min(_LONGEST_MESSAGE, _ALL_MESSAGES // max(2 * len(report.nodes), 1)))
    suite = xunit2.TestSuite(plain_line(command_of(report)))
    if report.started_at:
        suite.timestamp = report.started_at.isoformat()
    suite.add_testcases([_case_of_retry(report), *(_case(node, longest) for node in report.nodes)])
    document = xunit2.JUnitXml("dbt retry-plus")
    document.add_testsuite(suite)
    document.update_statistics()
    text: bytes = document.tostring()
    return text.decode("utf-8")


@hookimpl
def retry_plus_report_formats() -> Iterable[ReportFormat]:
    """Add this format."""
    return [ReportFormat("junit", ".xml", render)]


def _case_of_retry(report: RetryReport) -> xunit2.TestCase:
    """The retry itself: without it, one that was refused or interrupted would have no case that fails."""
    case = xunit2.TestCase(plain_line(resumed_from(report)), "dbt-retry-plus", 0.0)
    nothing_fails = not any(node.fate in UNPROVEN_FATES - {Fate.NEVER_ATTEMPTED} for node in report.nodes)
    if report.verdict not in GREEN and nothing_fails:
        said = report.message or VERDICTS[report.verdict]
        case.result = [_result(Error, report.verdict.value, said, _LONGEST_MESSAGE)]
    return case


def _case(node: ReportedNode, longest: int) -> xunit2.TestCase:
    package = node.unique_id[: -len(node.name)].rstrip(".")
    case = xunit2.TestCase(
        plain_line(node.name, 1000), plain_line(package) or node.resource_type, round(node.execution_time, 3)
    )
    case.system_out = "\n".join(_about(node))
    failed_before = node.previous_status not in _DID_NOT_RUN
    earlier = (str(node.previous_status), node.previous_message or "", longest)
    for attempt in node.attempts[:-1]:
        kind = xunit2.FlakyError if node.flaky else xunit2.RerunError
        case.add_interim_result(_interim(kind, attempt.status, attempt.message or "", longest))
    if node.fate is Fate.RECOVERED and failed_before:
        is_failure = node.previous_status == _FAILURE
        case.add_interim_result(_interim(xunit2.FlakyFailure if is_failure else xunit2.FlakyError, *earlier))
    elif node.fate in {Fate.NEVER_ATTEMPTED, Fate.LEFT_OUT}:
        case.result = [Skipped(f"{node.fate.value}: {plain_line(node.status)}")]
    elif node.fate in UNPROVEN_FATES:
        result = Failure if node.status == _FAILURE else Error
        case.result = [_result(result, node.status, what_failed(node), longest)]
        if failed_before and node.fate is Fate.STILL_FAILING:
            is_failure = node.previous_status == _FAILURE
            case.add_interim_result(_interim(xunit2.RerunFailure if is_failure else xunit2.RerunError, *earlier))
    return case


def _about(node: ReportedNode) -> Iterator[str]:
    # Not as properties, which Jenkins' and Surefire's schemas allow a whole suite alone.
    yield f"fate: {node.fate.value}"
    if node.reason:
        yield f"reason: {plain_line(why(node), 1000)}"
    if node.flaky:
        yield how_flaky(node)
    if node.compiled_path:
        yield f"compiled SQL: {plain_line(node.compiled_path, 1000)}"


def _result(kind: type[FinalResult], status: str, message: str, longest: int) -> FinalResult:
    result = kind(plain_line(message, 500), plain_line(status))
    result.text = plain(message, longest)
    return result


def _interim(kind: type[xunit2.InterimResult], status: str, message: str, longest: int) -> xunit2.InterimResult:
    result = kind(plain_line(message, 500), plain_line(status) or "unknown")  # the schemas demand one
    result.stack_trace = plain(message, longest)
    return result
