select ship from {{ ref('arrivals') }}
