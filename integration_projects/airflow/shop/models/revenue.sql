select orders.id, orders.amount, payments.paid
from {{ ref('orders') }} as orders
left join {{ ref('payments') }} as payments on payments.order_id = orders.id
