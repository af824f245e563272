select
    orders.order_id,
    orders.customer_id,
    orders.ordered_at,
    orders.status,
    sum(payments.amount) as amount
from {{ ref('stg_orders') }} as orders
left join {{ ref('stg_payments') }} as payments using (order_id)
group by all
