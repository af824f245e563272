{{ config(materialized='incremental', unique_key='id', incremental_strategy='delete+insert') }}
select id, name, control.fault('grown') as fault from {{ ref('shared') }}
