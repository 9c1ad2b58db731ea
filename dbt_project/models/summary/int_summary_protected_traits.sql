{{ protected_traits(source('summary', 'customer_summary'), 'cust_id') }}
