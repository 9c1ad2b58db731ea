with

names as (

    select
        segment_id,
        segment_name,
        archetype
    from {{ ref('int_segment_registry') }}

),

moved as (

    select
        transitions.customer_id,
        transitions.from_segment_id,
        names_before.segment_name as from_segment_name,
        transitions.to_segment_id,
        names_now.segment_name as to_segment_name,
        transitions.cause,
        names_before.archetype as from_archetype,
        names_now.archetype as to_archetype,
        transitions.value_before,
        transitions.value_after
    from {{ ref('int_customer_transitions') }} as transitions
    inner join names as names_before on transitions.from_segment_id = names_before.segment_id
    inner join names as names_now on transitions.to_segment_id = names_now.segment_id
    where transitions.cause in ('behaviour', 'model')

),

pairs as (

    select distinct
        from_archetype,
        to_archetype
    from moved

),

-- What a pair of archetypes calls for: the row of the lowest priority number.
called as (

    select
        pairs.from_archetype,
        pairs.to_archetype,
        min_by(movements.movement, cast(movements.priority as integer)) as movement
    from pairs
    inner join {{ ref('movements') }} as movements
        on
            movements.from_archetype in (pairs.from_archetype, 'any')
            and movements.to_archetype in (pairs.to_archetype, 'any')
    where pairs.from_archetype != pairs.to_archetype
    group by pairs.from_archetype, pairs.to_archetype

),

words as (

    select * from {{ ref('stg_rulebook__words') }}

)

select
    moved.customer_id,
    period.as_of_before,
    period.as_of_date,
    moved.from_segment_id,
    moved.from_segment_name,
    moved.to_segment_id,
    moved.to_segment_name,
    moved.cause,
    case when moved.cause = 'model' then {{ word('movement.by_model') }} else changes.what_changed end as what_changed,
    names.text as movement,
    plays.text as play,
    moved.value_before,
    moved.value_after
from moved
cross join {{ ref('int_period') }} as period
left join {{ ref('int_movement_words') }} as changes on moved.customer_id = changes.customer_id
left join called
    on
        moved.from_archetype = called.from_archetype and moved.to_archetype = called.to_archetype
        and moved.cause = 'behaviour'
left join words as names on 'movement.' || called.movement || '.name' = names.key
left join words as plays on 'movement.' || called.movement || '.play' = plays.key
