{{ config(materialized='view', schema='reporting') }}
select
  customer_id,
  case when spent >= {{ var('smallest_loyal_spend') }} then 'loyal' when spent > 0 then 'new' else 'idle' end as segment
from {{ ref('customers') }}
