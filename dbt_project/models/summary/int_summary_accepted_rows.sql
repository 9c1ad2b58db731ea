with

customers as (

    select * from {{ ref('int_summary_customer_features') }}

)

select
    'customer_summary' as source,
    count(*) as rows_accepted
from customers
