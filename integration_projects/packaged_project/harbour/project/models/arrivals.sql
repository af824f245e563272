{{ config(materialized='table') }}
select ship {{ "" if env_var('HARBOUR_OPEN', '') else ", the_harbour_is_closed" }} from {{ ref('ships') }}
