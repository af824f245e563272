{{ config(materialized='table', event_time='happened_at') }}
select id as event_id, happened_at, amount from {{ ref('raw_events') }}
