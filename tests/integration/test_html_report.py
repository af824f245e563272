"""The HTML report in Chromium, with real clicks and keys, at several sizes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dbt_retry_plus.reporting.html import render
from dbt_retry_plus.types import Attempt, ReportedNode
from tests.support.browsers import Page, chromium
from tests.support.reports import node, report, report_of

SIZES = (10, 500, 5_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module", params=SIZES, ids="{} nodes".format)
def size(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


@pytest.fixture
def opened(size: int, browser: Any, tmp_path: Path) -> Iterator[Page]:
    file = tmp_path / "report.html"
    file.write_text(render(report_of(size)))
    page = Page(browser, file)
    yield page
    page.close()


def expect(locator: Any) -> Any:
    from playwright.sync_api import expect

    return expect(locator, "")


def visible_rows(page: Any) -> Any:
    return page.locator("#table tbody tr:not([hidden])")


def test_what_it_came_to_stands_at_the_top(opened: Page, size: int) -> None:
    page = opened.page
    expect(page.locator(".verdict")).to_have_text("✗ still failing")
    expect(page.locator("h1")).to_contain_text("Resumed from 4f3a91c0")
    expect(page.locator("#shown")).to_have_text(f"{size:,} nodes")
    assert page.locator(".bar").count() == sum(len(node.attempts) for node in report_of(size).nodes)
    opened.shot(f"top-{size}")


def test_search_and_fates_narrow_the_table(opened: Page, size: int) -> None:
    page = opened.page
    of_fate = sum(node.fate.value == "still failing" for node in report_of(size).nodes)
    page.get_by_role("button", name="still failing").click()
    expect(visible_rows(page)).to_have_count(of_fate)
    expect(page.get_by_role("button", name="still failing")).to_have_attribute("aria-pressed", "true")
    page.get_by_label("Search").fill("NO SUCH m2")
    expect(page.locator("#shown")).to_contain_text(f" of {size:,} nodes")
    found = [n for n in report_of(size).nodes if n.fate.value == "still failing" and ".m2" in n.unique_id]
    expect(visible_rows(page).filter(has_text="model.shop.m2").first).to_be_visible()
    assert visible_rows(page).count() >= len(found) > 0
    opened.shot(f"search-{size}")
    page.get_by_role("button", name="still failing").click()
    page.get_by_label("Search").fill("")
    expect(page.locator("#shown")).to_have_text(f"{size:,} nodes")


def test_columns_sort_both_ways(opened: Page, size: int) -> None:
    page = opened.page
    head = page.get_by_role("columnheader", name="Seconds")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert visible_rows(page).first.locator("td").nth(3).inner_text() == ""
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    assert visible_rows(page).first.locator("td").nth(3).inner_text() == "0.9"
    page.get_by_role("columnheader", name="Node").get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "none")
    names = [n.unique_id for n in report_of(size).nodes]
    assert visible_rows(page).first.locator("td").first.inner_text().strip() == min(names)
    assert visible_rows(page).count() == size


def test_a_box_of_the_graph_and_a_bar_of_the_timeline_lead_to_the_node(opened: Page, size: int) -> None:
    page = opened.page
    page.get_by_label("Search").fill("nothing has this name")
    expect(page.locator("#shown")).to_have_text(f"0 of {size:,} nodes")
    box = page.locator("a.box.still-failing").first
    name = str(box.locator("title").text_content()).partition(":")[0].removeprefix("model.shop.")
    box.click()
    found = page.locator("tr.found")
    expect(found).to_be_in_viewport()
    expect(found.get_by_text("there is no such table")).to_be_visible()
    expect(found.get_by_text(f"target/compiled/shop/models/{name}.sql")).to_be_visible()
    expect(page.locator("#shown")).to_have_text(f"{size:,} nodes")
    opened.shot(f"node-{size}")
    page.locator(".bar.recovered").first.click()
    expect(page.locator("tr.found summary")).to_have_text("model.shop.m0")


def test_it_can_be_used_with_keys_alone(opened: Page) -> None:
    page = opened.page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the nodes")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Search")).to_be_focused()
    page.keyboard.type("m0")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator("button.fate").first).to_have_attribute("aria-pressed", "true")
    page.locator("button.sort").last.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="Reason")).to_have_attribute("aria-sort", "ascending")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#table details[open]")).to_have_count(1)
    page.locator("a.box").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("tr.found")).to_be_in_viewport()


@pytest.mark.parametrize(("scheme", "background"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(13, 17, 23)")])
def test_it_is_light_or_dark_as_the_reader_likes(browser: Any, tmp_path: Path, scheme: str, background: str) -> None:
    file = tmp_path / "report.html"
    file.write_text(render(report_of(60)))
    opened = Page(browser, file, scheme)
    assert opened.page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor") == background
    opened.shot(scheme)
    opened.close()


HOSTILE = '</script><script>alert(1)</script><img src=x onerror=alert(2)>"\' onmouseover="alert(3)'


def hostile_node(number: int) -> ReportedNode:
    attempt = Attempt("error", HOSTILE, 1.0, HOSTILE)
    return node(
        2, f"model.shop.{HOSTILE}{number}", attempts=(attempt,), previous_message=HOSTILE, compiled_path=HOSTILE
    )


def test_nothing_that_a_project_says_becomes_a_part_of_the_page(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(render(report(*map(hostile_node, range(3)), message=HOSTILE, project=HOSTILE)))
    opened = Page(browser, file)
    assert opened.page.locator("img").count() == 0
    assert opened.page.locator("script").count() == 1
    opened.page.locator("summary").nth(1).click()
    opened.page.locator("a.box").first.hover()
    expect(opened.page.locator("#table pre").first).to_have_text(HOSTILE)
    opened.close()
