"""What each format says of a retry."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from junitparser import JUnitXml

from dbt_retry_plus.plugin_manager import load_plugins
from dbt_retry_plus.reporting import html, junit, markdown, text
from dbt_retry_plus.reporting import json as as_json
from dbt_retry_plus.reporting.document import report_document
from dbt_retry_plus.reporting.drawing import graph_of, timeline_of
from dbt_retry_plus.reporting.outputs import report_formats
from dbt_retry_plus.reporting.sentences import GREEN
from dbt_retry_plus.settings import Settings
from dbt_retry_plus.types import RetryReport
from dbt_retry_plus.words import Fate, Verdict
from tests.support.reports import NOW, node, report, report_of

EIGHT = report_of(8)


def test_our_formats_come_through_the_plugins() -> None:
    formats, findings = report_formats(load_plugins(Settings(), None))
    assert {name: found.suffix for name, found in formats.items()} == {
        "text": ".txt",
        "json": ".json",
        "junit": ".xml",
        "markdown": ".md",
        "html": ".html",
    }
    assert findings == []
    assert all(found.render(report(verdict=Verdict.REFUSED, chain=(), message="No.")) for found in formats.values())


def test_a_format_can_be_switched_off() -> None:
    formats, _ = report_formats(load_plugins(Settings(), None, unwanted=("reporting.html",)))
    assert "html" not in formats


def test_text_has_what_became_of_each_node_and_the_first_lines_of_its_error() -> None:
    assert text.render(EIGHT).splitlines() == [
        "Retry 5e6f7a8b: still failing. Resumed from 4f3a91c0 (`dbt build`, 3 h before)",
        "  1 recovered, 1 rebuilt, 1 still failing, 1 newly failing, 1 interrupted, 1 never attempted, 1 left out, "
        "1 proven before; took 12 s; 1 m saved",
        "  warning: It is not recorded. Record it. [not-recorded]",
        "Recovered (1)",
        "  model.shop.m0  error → success  0.9 s  (failed)",
        "Rebuilt (1)",
        "  model.shop.m1  success → success  0.9 s  (downstream of a rebuilt node)",
        "Still failing (1)",
        "  model.shop.m2  error → error  0.9 s  (failed)",
        "    Database Error in model m2",
        "      there is no such table",
        "      line 3",
        "Newly failing (1)",
        "  model.shop.m3  skipped → fail  0.9 s  (skipped)",
        "Interrupted (1)",
        "  model.shop.m4  not started → interrupted  0.9 s  (not started)",
        "Never attempted (1)",
        "  model.shop.m5  skipped → skipped  (skipped)",
        "Left out (1)",
        "  model.shop.m6  error → error",
    ]


def test_text_has_colours_for_what_matters_and_for_nothing_else() -> None:
    painted = text.painted(EIGHT, lambda said, tone: f"<{tone.value} {said}>")
    assert painted.splitlines()[0].startswith("Retry 5e6f7a8b: <bad still failing>. Resumed")
    assert "  <warning warning>: It is not recorded." in painted
    tones = ("<good Recovered (1)>", "<bad Still failing (1)>", "<warning Left out (1)>")
    assert all(f"\n{tone}\n" in painted for tone in tones)
    assert painted.count("<") == 2 + 7


def test_text_and_markdown_stay_short_for_many_nodes() -> None:
    many = report_of(5_000)
    assert len(text.render(many).splitlines()) < 700
    assert "  … and 575 nodes more" in text.render(many)
    assert len(markdown.render(many)) < 100_000
    assert "… and 4275 nodes more." in markdown.render(many)


def test_text_shows_the_first_lines_of_a_long_message() -> None:
    assert text.first_lines("a\n\n" + "b" * 300 + "\nc\nd\ne\nf\ng") == ["a", "b" * 199 + "…", "c", "d", "e", "…"]


def test_json_is_the_document() -> None:
    assert json.loads(as_json.render(EIGHT)) == report_document(EIGHT)


def cases(told: RetryReport) -> dict[str, dict[str, Any]]:
    """Each case with its results: their kind, and their attributes."""
    suite = ET.fromstring(junit.render(told))[0]
    return {
        case.get("name", ""): {result.tag: result for result in case if result.tag != "system-out"} for case in suite
    }


def test_junit_has_earlier_failures_as_surefire_writes_them() -> None:
    found = cases(EIGHT)
    assert {name: sorted(results) for name, results in found.items() if name.startswith("m")} == {
        "m0": ["flakyError"],
        "m1": [],
        "m2": ["error", "rerunError"],
        "m3": ["failure"],
        "m4": ["error"],
        "m5": ["skipped"],
        "m6": ["skipped"],
        "m7": [],
    }
    flaky = found["m0"]["flakyError"]
    assert flaky.get("type") == "error"
    assert flaky.findtext("stackTrace") == "what was wrong with m0"
    assert found["m2"]["error"].text.endswith("line 3")
    assert found["m2"]["rerunError"].findtext("stackTrace") == "what was wrong with m2"
    failed_test = node(0, previous_status="fail")
    assert sorted(cases(report(failed_test))["m0"]) == ["flakyFailure"]
    assert sorted(cases(report(node(0, previous_status="skipped")))["m0"]) == []


def test_junit_counts_what_it_holds() -> None:
    suites = JUnitXml.fromstring(junit.render(EIGHT).encode())
    assert (suites.tests, suites.failures, suites.errors) == (9, 1, 2)


@pytest.mark.parametrize("verdict", Verdict)
def test_junit_is_green_only_where_the_retry_is(verdict: Verdict) -> None:
    quiet = report(node(1), node(5), node(6), node(7), verdict=verdict, message="Because.")
    found = cases(quiet)
    failed = [name for name, results in found.items() if {"error", "failure"} & results.keys()]
    assert bool(failed) is (verdict not in GREEN)


def test_markdown_has_a_table_and_each_error() -> None:
    lines = markdown.render(EIGHT).splitlines()
    assert lines[1] == "### ❌ dbt retry-plus: still failing"
    assert "| recovered | model.shop.m0 | error → success | 0.9 s | failed |" in lines
    assert "<details><summary>model.shop.m2</summary>" in lines
    assert "<pre>Database Error in model m2" in lines
    assert not any("m7" in line for line in lines)
    assert "✅" in markdown.render(report(node(0), verdict=Verdict.RECOVERED))


def test_html_is_one_file() -> None:
    document = html.render(EIGHT)
    assert document.startswith("<!DOCTYPE html>")
    assert "default-src 'none'" in document
    assert not any(marker in document for marker in ("http://", "https://", "url(", "@import"))


def test_the_graph_puts_each_node_to_the_right_of_what_it_reads() -> None:
    drawing = graph_of(report_of(60))
    places = {box.node.unique_id: box for box in drawing.boxes}
    assert drawing.left_out == 0
    for box in drawing.boxes:
        assert all(places[parent].x < box.x for parent in box.node.parents if parent in places)
    assert len({(box.x, box.y) for box in drawing.boxes}) == len(drawing.boxes)
    assert len(drawing.lines) == sum(len(set(box.node.parents) & places.keys()) for box in drawing.boxes)


def test_a_large_graph_is_drawn_in_part_and_says_so() -> None:
    drawing = graph_of(report_of(5_000))
    assert len(drawing.boxes) == 150
    drawn = sum(box.node.fate is not Fate.PROVEN_BEFORE for box in drawing.boxes)
    assert drawing.left_out == 4_375 - drawn
    assert drawing.lines
    assert any(box.node.fate is Fate.STILL_FAILING for box in drawing.boxes)


def test_a_circle_is_drawn_all_the_same() -> None:
    circle = [node(2, "model.a", parents=("model.b", "model.a")), node(2, "model.b", parents=("model.a",))]
    assert len(graph_of(report(*circle)).boxes) == 2


def test_the_timeline_has_a_lane_for_each_thread_and_room_for_the_shortest() -> None:
    timeline = timeline_of(report_of(5_000))
    assert list(timeline.lanes) == [f"Thread-{number} (worker)" for number in range(1, 5)]
    bars = [bar for lane in timeline.lanes.values() for bar in lane]
    assert all(bar.width >= 1.5 and 0 <= bar.x <= timeline.width for bar in bars)
    ten = [replace(node(0).attempts[0], thread=f"Thread-{number}") for number in (10, 9, 1)]
    assert list(timeline_of(report(node(0, attempts=tuple(ten)))).lanes) == ["Thread-1", "Thread-9", "Thread-10"]
    backwards = replace(ten[0], completed_at=NOW.replace(hour=1))
    assert timeline_of(report(node(0, attempts=(backwards,)))).lanes["Thread-10"][0].width == 1.5
    assert timeline_of(report(node(5))).lanes == {}
