{{ protected_traits(source('ledger', 'accounts'), 'customer_id') }}
