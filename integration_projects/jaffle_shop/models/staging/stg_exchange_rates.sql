select currency, rate_to_euro from {{ source('landing', 'exchange_rates') }}
