select
  orders.order_id,
  orders.amount / exchange_rates.rate_to_euro as amount
from {{ ref('orders') }} as orders
cross join {{ ref('stg_exchange_rates') }} as exchange_rates
where exchange_rates.currency = 'USD'
