{{ config(materialized='view') }}

-- Segment, value and features of every customer in the month that this one follows, where a version still has them.
with

versions as (

    select * from {{ source('state', 'last_customers') }}
    union all by name
    -- Where the version in use is of an earlier month, the one before it is of no use.
    select * from {{ source('state', 'earlier_customers') }}

)

select versions.*
from versions
inner join {{ ref('int_period') }} as period on versions.as_of_date = period.as_of_before
where
    not exists (
        select 1 from {{ source('intake', 'objections') }} as objections
        where objections.customer_id = versions.customer_id
    )
