"""Names, messages and SQL of a project are anybody's: whatever stands in them, every document is valid, and safe."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import html5lib
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dbt_retry_plus.reporting import html, junit, markdown, text
from dbt_retry_plus.reporting import json as as_json
from dbt_retry_plus.reporting.plain_text import plain, plain_line
from dbt_retry_plus.types import Attempt, EffectiveArguments, Finding, ReportedLink, RetryReport
from dbt_retry_plus.words import Fate, Reason, Severity
from tests.support.reports import node, report, validate

Render = Callable[[RetryReport], str]

HOSTILE = (
    "<script>alert(1)</script>",
    "</script></style></title></pre></textarea><svg onload=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "' --> <!-- ]]> <![CDATA[ &amp; &#x3c; <?xml",
    "\x1b[31mred\x1b[0m \x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\ \x9b2J \x07\x08\x00\x7f",
    "\ud800 half \udcff \ufffe \uffff \U0001ffff",
    "\u202egnp.exe \u2028 line \u2029 \u200b \ufeff",
    "| a | b |\n| --- | --- |\n# head\n```\n![x](http://evil/x.png) [l](javascript:alert(1)) @all www.evil.com http://evil",
    "{{ 7 * 7 }} {% raw %} {# x #} ${7*7} %s {0}",
    "line\r\nline\rline\n\n\n</details>\n<h1>",
    "",
    " ",
)
SAFE_TAGS = {
    "html", "head", "meta", "title", "style", "body", "a", "header", "p", "h1", "h2", "h3", "pre", "dl", "div", "dt", "dd",
    "main", "section", "ol", "ul", "li", "code", "strong", "details", "summary", "table", "thead", "tbody", "tr", "th", "td",
    "svg", "rect", "path", "text", "span", "label", "input", "button", "b", "script",
}  # fmt: skip

anything = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(codec=None, exclude_categories=()), max_size=60),  # lone surrogates and controls too
    st.lists(st.sampled_from([*"<>&\"'`|[]()*_\\#!@:-\x1b\x9b\n\r\t\x00", "\ud800", "a", "]]>", "www."]), max_size=20).map("".join),
)  # fmt: skip


def of(untrusted: str) -> RetryReport:
    """A report in which the same text stands wherever a project, a database or a user can put one."""
    attempt = Attempt(untrusted, untrusted, 1.0, untrusted)
    nodes = [
        node(
            number,
            f"model.shop.{untrusted}{number}",
            status=untrusted,
            previous_status=untrusted,
            previous_message=untrusted,
            reason=Reason.CHANGED,
            cause=untrusted,
            attempts=(attempt,),
            parents=(f"model.shop.{untrusted}0", untrusted),
            compiled_path=untrusted,
        )
        for number, _ in enumerate(Fate)
    ]
    return report(
        *nodes,
        message=untrusted,
        invocation_id=untrusted,
        chain=(ReportedLink(untrusted),),
        arguments=EffectiveArguments(untrusted, {untrusted: {untrusted: [untrusted]}}, {untrusted: untrusted}),
        findings=(Finding(Severity.ERROR, untrusted, untrusted, untrusted),),
        project=untrusted,
        profile=untrusted,
        target=untrusted,
        dbt_version=untrusted,
    )


def examples(check: Any) -> Any:
    for untrusted in HOSTILE:
        check = example(untrusted)(check)
    quick = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
    return quick(given(anything)(check))


def shown_characters_only(document: str) -> None:
    assert all(character.isprintable() or character in "\n\t" for character in document)
    document.encode()


@examples
def test_json_is_in_ascii_and_fits_the_schema(untrusted: str) -> None:
    document = as_json.render(of(untrusted))
    assert document.isascii()
    assert "\x1b" not in document
    decoded = json.loads(document)
    json.dumps(decoded, ensure_ascii=False).encode()  # no half of a character
    decoded["arguments"] = {}  # the words for where an argument came from are our own
    validate(decoded)


@examples
def test_junit_is_what_another_parser_reads_too(untrusted: str) -> None:
    document = junit.render(of(untrusted))
    shown_characters_only(document)
    root = ET.fromstring(document)  # expat, and not what wrote it
    (suite,) = root
    assert [case.tag for case in suite] == ["testcase"] * (len(Fate) + 1)
    assert suite.get("tests") == str(len(Fate) + 1)
    inside = {element.tag for case in suite for element in case.iter()}
    assert inside <= {"testcase", "system-out", "skipped", "error", "failure", "flakyError", "flakyFailure",
                      "rerunError", "rerunFailure", "stackTrace"}  # fmt: skip
    for case in suite:
        assert case.get("name") is not None and case.get("classname")
        assert all(result.get("type") for result in case if result.tag.startswith(("rerun", "flaky")))


@examples
def test_html_is_valid_and_no_text_becomes_a_tag_or_an_attribute(untrusted: str) -> None:
    document = html.render(of(untrusted))
    shown_characters_only(document)
    parser = html5lib.HTMLParser(strict=False, namespaceHTMLElements=False)
    tree = parser.parse(document)
    # html5lib is older than `<a>` with a tabindex and such; what it reports is a fault in the text of the page.
    assert parser.errors == []
    tags = {str(element.tag).rpartition("}")[2] for element in tree.iter() if isinstance(element.tag, str)}
    assert tags <= SAFE_TAGS
    attributes = {name for element in tree.iter() for name in element.attrib}
    assert not [name for name in attributes if str(name).startswith("on") or str(name) in ("src", "srcset", "srcdoc")]
    assert {v[0] for e in tree.iter() for name, v in e.attrib.items() if str(name).endswith("href")} <= {"#"}
    assert len([element for element in tree.iter() if element.tag == "script"]) == 1


@examples
def test_markdown_has_our_markup_alone(untrusted: str) -> None:
    document = markdown.render(of(untrusted))
    shown_characters_only(document)
    outside = re.sub(r"<pre>[^<>]*</pre>", "", document)
    assert set(re.findall(r"<[^>]*>?", outside)) <= {"<details>", "<summary>", "</summary>", "</details>"}
    assert outside.count("<details>") == outside.count("</details>")
    rows = [line for line in outside.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} <= {6}
    assert not re.search(r"[`@]|!\[|\]\(|www\.|://", outside)


@examples
def test_text_gives_a_terminal_no_orders(untrusted: str) -> None:
    document = text.render(of(untrusted))
    shown_characters_only(document)
    assert not [line for line in document.splitlines() if len(line) > 3000]


@pytest.mark.parametrize("render", [as_json.render, junit.render, html.render, markdown.render, text.render])
def test_a_message_of_ten_megabytes_keeps_its_ends_and_the_document_small(render: Render) -> None:
    huge = "the beginning " + "\x1b[31m<x>" * 1_250_000 + "\nthe end"
    nodes = [node(2, attempts=(Attempt("error", huge),), previous_message=huge)]
    document = render(report(*nodes, message=huge))
    assert "the beginning" in document
    assert len(document) < 300_000


@given(anything)
def test_plain_text_has_no_orders_and_keeps_what_is_plain(untrusted: str) -> None:
    shown = plain(untrusted, 1000)
    assert all(character.isprintable() or character in "\n\t" for character in shown)
    assert plain(shown, 1000) == shown
    assert "\n" not in plain_line(untrusted)


def test_colours_go_and_all_else_stays() -> None:
    assert plain("\x1b[1;31mERROR\x1b[0m creating é😀\r\n\tx", 100) == "ERROR creating é😀\n\tx"
    assert plain("\x1b]0;title\x07rest \x1b]8;;http://a\x1b\\link", 100) == "rest link"
    assert plain("a\x00b\xa0c\u202ed", 100) == "a�b c�d"


@pytest.mark.parametrize("orders", ["\x1b[" * 50_000, "\x1b]" * 50_000, "\x9b0" * 50_000, "\x1b[" + "0;" * 50_000])
def test_orders_without_an_end_take_no_longer_than_others(orders: str) -> None:
    assert "\x1b" not in plain(orders, 200_000)
