{{ config(store_failures=true) }}
select id from {{ ref('grown') }} where control.fault('stored') = 1
