-- A hash of the id draws the sample, so that it is the same whatever the order of rows. The order serves
-- the limit alone; the learning does not rely on it.
with

customers as (

    select * from {{ ref('model_input') }}

)

select * from customers
order by md5(customer_id), customer_id
limit {{ var('sample_rows') }}
