{{ config(materialized='table') }}
select cast('placed' as varchar(20)) as status
union all select 'shipped'
union all select 'completed'
union all select 'returned'
