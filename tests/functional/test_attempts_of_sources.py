"""Sources get attempts too, by the rules that they, or a folder of theirs, have."""

from __future__ import annotations

import json

import pytest

from tests.faults.scene import failed_attempts, journals, lines_of
from tests.support.inline_projects import InlineProject, Workshop

pytestmark = pytest.mark.every_minor  # where a source's meta stands differs from one to the next
RULES = "retry_plus: {attempts: %s, retry_on: any, delay: 0s, jitter: 0s}"
PROJECT = InlineProject(
    files={
        "models/sources.yml": f"""
            sources:
              - name: raw
                loaded_at_field: seen
                freshness: {{warn_after: {{count: 1, period: day}}}}
                tables:
                  - name: orders
                    meta: {{{RULES % 3}}}
                  - name: customers
        """,
    },
    settings={
        "sources": {
            "shop": {"+meta": {"retry_plus": {"attempts": 2, "retry_on": "any", "delay": "0s", "jitter": "0s"}}}
        }
    },
    first=("parse",),
)


def test_a_source_has_rules_of_its_own(workshop: Workshop) -> None:
    workshop.restore(workshop.prepare(PROJECT))
    done = workshop.dbt(PROJECT)("retry-plus", "exec", "--report", "json", "--", "source", "freshness")
    assert done.exit_code == 1
    (journal,) = journals(workshop.stage / "project")
    numbers: dict[str, list[int]] = {}
    for line in failed_attempts(lines_of(journal)):
        numbers.setdefault(line["node"], []).append(line["number"])
    assert numbers == {"source.shop.raw.orders": [1, 2, 3], "source.shop.raw.customers": [1, 2]}
    report = json.loads((workshop.stage / "project/target/retry_plus_report.json").read_text())
    assert {node["unique_id"]: len(node["attempts"]) for node in report["nodes"]} == {
        "source.shop.raw.orders": 3,
        "source.shop.raw.customers": 2,
    }
