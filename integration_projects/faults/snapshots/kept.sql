{% snapshot kept %}
{{ config(unique_key='id', strategy='check', check_cols=['name'], target_schema='faults') }}
select id, name, control.fault('kept') as fault from {{ ref('base') }}
{% endsnapshot %}
