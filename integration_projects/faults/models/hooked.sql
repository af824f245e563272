{{ config(post_hook="select control.fault('hooked')") }}
select id, name from {{ ref('shared') }}
