"""The project of most parity tests. `stg_orders` reads a raw table that arrives late: until then it fails, and a retry
after its arrival succeeds with no change of code."""

from __future__ import annotations

from tests.support.differential import Retry
from tests.support.inline_projects import InlineProject

FILES = {
    "models/stg_customers.sql": "select * from {{ source('raw', 'customers') }}",
    "models/stg_orders.sql": """
        {{ config(materialized='table', tags=['finance', 'nightly']) }}
        select * from {{ source('raw', 'orders') }}
    """,
    "models/paid_orders.sql": """
        {{ config(materialized='ephemeral') }}
        select * from {{ ref('stg_orders') }} where amount > 0
    """,
    "models/orders.sql": """
        {{ config(materialized='table') }}
        select o.id, o.amount, c.name from {{ ref('paid_orders') }} o join {{ ref('stg_customers') }} c on c.id = o.customer
    """,
    "models/customers.sql": "{{ config(materialized='table') }} select id, name from {{ ref('stg_customers') }}",
    "models/revenue.sql": """
        {{ config(materialized='incremental', tags=['finance']) }}
        select name, sum(amount) as amount from {{ ref('orders') }} group by name
    """,
    "models/shop.yml": """
        sources:
          - {name: raw, tables: [{name: customers}, {name: orders}]}
        models:
          - {name: stg_orders, columns: [{name: id, data_tests: [not_null]}]}
          - {name: customers, columns: [{name: id, data_tests: [unique]}]}
    """,
    "tests/orders_have_a_customer.sql": "select * from {{ ref('orders') }} where name is null",
    "selectors.yml": """
        selectors:
          - name: money
            definition:
              union:
                - {method: tag, value: finance, parents: true}
                - exclude: [{method: fqn, value: stg_customers}]
    """,
}

RAW = (
    "create schema if not exists main",
    "create schema raw",
    "create table raw.customers as select 1 as id, 'Ada' as name union all select 2, 'Bob'",
    # An earlier day's view, for the commands that do not select it.
    "create view main.stg_customers as select * from raw.customers",
)

SHOP = InlineProject(FILES, RAW, parsed_once=True)

ORDERS_ARRIVE = "create table raw.orders as select 10 as id, 1 as customer, 5 as amount union all select 11, 2, 7"
ORDERS_ARRIVED = Retry(sql=[ORDERS_ARRIVE])


def after_orders_arrived(arguments: str = "", **changes: object) -> Retry:
    return Retry(arguments=arguments, sql=[ORDERS_ARRIVE], **changes)  # type: ignore[arg-type]
