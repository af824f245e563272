"""However the original command selected its nodes, a retry runs what failed and what was skipped of them."""

from __future__ import annotations

import pytest

from tests.functional.shop import ORDERS_ARRIVED, SHOP
from tests.support.inline_projects import Workshop

STAGED = {"stg_orders": "success"}
ORDERS = {**STAGED, "orders": "success"}
REVENUE = {**ORDERS, "revenue": "success"}
STAGED_TEST = {"not_null_stg_orders_id": "pass"}
ORDERS_TEST = {"orders_have_a_customer": "pass"}

SELECTIONS = {
    "run": REVENUE,
    "build": REVENUE | STAGED_TEST | ORDERS_TEST,
    "run --select +orders": ORDERS,
    "build --select +orders": ORDERS | STAGED_TEST | ORDERS_TEST,
    "run --select stg_orders+1": STAGED,
    "run --select 1+revenue stg_orders": STAGED | {"orders": "success", "revenue": "success"},
    "run --select @stg_orders": REVENUE,
    # `orders`, which `revenue` reads, is not selected and was never built.
    "run --select tag:nightly tag:finance": STAGED | {"revenue": "error"},
    "run --select customers stg_orders+,tag:finance": STAGED | {"revenue": "error"},
    "run --select path:models/stg_orders.sql source:raw+1": STAGED,
    "run --exclude revenue tag:none": ORDERS,
    "build --select stg_orders+ --exclude tag:finance,revenue orders": STAGED | STAGED_TEST,
    "run --selector money": REVENUE,
    "build --resource-type model": REVENUE,
    "build --resource-type model --resource-type test": REVENUE | STAGED_TEST | ORDERS_TEST,
    "build --exclude-resource-type test": REVENUE,
    "build --select stg_orders stg_customers --indirect-selection cautious": STAGED | STAGED_TEST,
    "build --select stg_orders paid_orders --indirect-selection empty": STAGED,
}


@pytest.mark.parametrize("command", SELECTIONS)
def test_selection_of_the_original_command(workshop: Workshop, command: str) -> None:
    comparison = workshop.compare(SHOP.after(command), ORDERS_ARRIVED)

    comparison.assert_parity(executes=SELECTIONS[command])
    assert comparison.ours.invocation.exit_code == ("error" in SELECTIONS[command].values())


DEFAULT_SELECTOR = {
    **SHOP.files,
    "selectors.yml": """
        selectors:
          - {name: staging, default: true, definition: {method: fqn, value: "stg_*"}}
    """,
}


def test_default_selector(workshop: Workshop) -> None:
    project = SHOP.after("build", files=DEFAULT_SELECTOR, parsed_once=False)

    comparison = workshop.compare(project, ORDERS_ARRIVED)

    comparison.assert_parity(executes=STAGED | STAGED_TEST)


def test_nodes_outside_of_the_selection_stay_out_when_they_failed_earlier(workshop: Workshop) -> None:
    project = SHOP.after("run", "run --select stg_customers stg_orders")

    comparison = workshop.compare(project, ORDERS_ARRIVED)

    comparison.assert_parity(executes=STAGED)
    assert "main.orders" not in comparison.ours.relations
