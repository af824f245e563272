select
  stg_customers.customer_id,
  stg_customers.first_name,
  stg_customers.last_name,
  count(orders.order_id) as orders,
  coalesce(sum(orders.amount), 0) as spent
from {{ ref('stg_customers') }} as stg_customers
left join {{ ref('orders') }} as orders on orders.customer_id = stg_customers.customer_id
group by stg_customers.customer_id, stg_customers.first_name, stg_customers.last_name
