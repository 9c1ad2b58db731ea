with

names as (

    select
        segment_id,
        segment_name
    from {{ ref('int_segment_registry') }}

)

select
    flows.flow,
    flows.as_of_before,
    flows.as_of_date,
    flows.from_segment_id,
    names_before.segment_name as from_segment_name,
    flows.to_segment_id,
    names_now.segment_name as to_segment_name,
    flows.cause,
    flows.customers,
    flows.share_of_from,
    flows.value_before,
    flows.value_after
from {{ ref('int_segment_migration') }} as flows
left join names as names_before on flows.from_segment_id = names_before.segment_id
left join names as names_now on flows.to_segment_id = names_now.segment_id
