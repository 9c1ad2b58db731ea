select * from {{ ref('customer_codes') }}
