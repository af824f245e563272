{#
  One batch for each day, from three days ago to today. The events are older: give their days with
      dbt build --event-time-start 2024-01-01 --event-time-end 2024-01-06
  A switch named events_by_day/20240103 makes the batch of that day fail or wait.
  PostgreSQL merges a batch, by a key; DuckDB deletes and inserts by event_time, and refuses a key.
#}
{{ config(
  materialized='incremental',
  incremental_strategy='microbatch',
  event_time='day',
  batch_size='day',
  begin=(run_started_at - modules.datetime.timedelta(days=3)).strftime('%Y-%m-%d'),
  unique_key='day' if target.type == 'postgres' else none,
) }}
{%- set batch_name = model.name ~ '/' ~ (model.batch.id if model.batch else '') -%}
{%- do switches.nap(batch_name) if execute and model.batch -%}

select cast(happened_at as date) as day, sum(amount) as amount, count(*) as events
from {{ ref('events') }}
group by cast(happened_at as date)
{%- if model.batch %}
union all
-- no row, but an error if this batch was told to fail
select cast(null as date), cast(switch.message as integer), 0
{{ switches.switch_rows(batch_name) }} and (switch.fail or switch.error)
{%- endif %}
