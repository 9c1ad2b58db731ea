with

codes as (

    select * from {{ ref('customer_codes') }}

)

select * from codes
