{{ config(materialized='view') }}

-- Every stay after this build: those that ended before, those that go on or end, and those that begin.
with

stays as (

    select * from {{ ref('int_stays_before') }}

),

transitions as (

    select * from {{ ref('int_customer_transitions') }}

)

select
    stays.customer_id,
    stays.segment_id,
    stays.model_id,
    stays.valid_from,
    case
        when stays.valid_to is not null then stays.valid_to
        when transitions.cause != 'stayed' then period.as_of_date
    end as valid_to,
    stays.began_by
from stays
cross join {{ ref('int_period') }} as period
left join transitions on stays.customer_id = transitions.customer_id
union all
select
    transitions.customer_id,
    transitions.to_segment_id as segment_id,
    in_use.model_id,
    period.as_of_date as valid_from,
    cast(null as date) as valid_to,
    transitions.cause as began_by
from transitions
cross join {{ ref('int_period') }} as period
cross join {{ ref('model_in_use') }} as in_use
where transitions.cause in ('joined', 'returned', 'model', 'behaviour')
