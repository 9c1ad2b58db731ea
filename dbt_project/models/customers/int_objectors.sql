-- Of those who objected to profiling nothing is said but that they did.
with

customers as (

    select * from {{ of_kind('customer_features') }}

),

objections as (

    select distinct customer_id from {{ source('intake', 'objections') }}

)

select customers.customer_id
from customers
inner join objections on customers.customer_id = objections.customer_id
