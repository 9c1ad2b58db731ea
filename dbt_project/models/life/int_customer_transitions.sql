-- From where to where each customer went with this build, and why. A customer whom the model before would have left
-- where he was did not move: the new model moved him.
with

stays as (

    select * from {{ ref('int_stays_before') }}

),

-- Ended stays count for whether somebody was here earlier.
earlier as (

    select
        customer_id,
        max(segment_id) filter (where valid_to is null) as segment_id
    from stays
    group by customer_id

),

later as (

    select
        scores.customer_id,
        scores.segment_id,
        customer_values.value_base
    from {{ ref('customer_scores') }} as scores
    left join {{ ref('int_customer_values') }} as customer_values on scores.customer_id = customer_values.customer_id

)

select
    coalesce(later.customer_id, earlier.customer_id) as customer_id,
    earlier.segment_id as from_segment_id,
    later.segment_id as to_segment_id,
    case
        when earlier.customer_id is null then 'joined'
        when earlier.segment_id is null then 'returned'
        when later.segment_id is null then 'left'
        when later.segment_id = earlier.segment_id then 'stayed'
        when labelled_before.segment_id = earlier.segment_id then 'model'
        else 'behaviour'
    end as cause,
    valued_before.value_base as value_before,
    later.value_base as value_after
from later
full outer join earlier on later.customer_id = earlier.customer_id
left join {{ ref('customer_scores_before') }} as labelled_before on later.customer_id = labelled_before.customer_id
left join {{ ref('int_customers_before') }} as valued_before on earlier.customer_id = valued_before.customer_id
where later.segment_id is not null or earlier.segment_id is not null
