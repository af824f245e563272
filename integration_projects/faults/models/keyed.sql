select id, control.fault('keyed') as fault from {{ ref('base') }}
