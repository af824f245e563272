-- The customers' lifetime values add up to all that was paid.
select *
from (
    select
        (select sum(lifetime_value) from {{ ref('customers') }}) as by_customer,
        (select sum(amount) from {{ ref('stg_payments') }}) as in_all
)
where by_customer is distinct from in_all
