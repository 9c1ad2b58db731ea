{% set objected = source('intake', 'objections') %}

-- Of those who objected to profiling nothing is said but that they did, and of those who were forgotten not even that.
-- Where nobody did, no features are computed to find them among.
{% if may_have_rows(objected) -%}
with

customers as (

    select * from {{ of_kind('customer_features') }}

),

objections as (

    select distinct customer_id from {{ objected }}
    where not is_forgotten

)

select customers.customer_id
from customers
inner join objections on customers.customer_id = objections.customer_id
{%- else -%}
-- depends_on: {{ of_kind('customer_features') }}
select cast(null as string) as customer_id
where false
{%- endif %}
