select
  stg_orders.order_id,
  stg_orders.customer_id,
  stg_orders.order_date,
  stg_orders.status,
  coalesce(order_payments.amount, 0) as amount
from {{ ref('stg_orders') }} as stg_orders
left join {{ ref('order_payments') }} as order_payments on order_payments.order_id = stg_orders.order_id
