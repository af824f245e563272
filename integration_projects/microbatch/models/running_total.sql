{{ config(materialized='table') }}
select day, sum(amount) over (order by day) as amount from {{ ref('events_by_day') }}
