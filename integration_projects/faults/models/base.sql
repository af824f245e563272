select id, name, control.fault('base') as fault from {{ ref('places') }}
