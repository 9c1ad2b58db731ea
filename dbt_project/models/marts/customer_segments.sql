with

scores as (

    select * from {{ ref('customer_scores') }}

),

features as (

    select
        customer_id,
        as_of_date
    from {{ ref('customer_features') }}

),

names as (

    select
        segment_id,
        segment_name
    from {{ ref('segment_names') }}

),

model as (

    select distinct model_id from {{ ref('model_parameters') }}

)

select
    scores.customer_id,

    features.as_of_date,

    scores.segment_id,
    names.segment_name,
    scores.distance_to_centroid,
    scores.runner_up_segment_id,
    -- 1 on the segment's centre, 0 halfway to the next segment.
    case
        when scores.distance_to_runner_up > 0
            then 1 - scores.distance_to_centroid / scores.distance_to_runner_up
        else 0
    end as confidence,
    scores.pca_1,
    scores.pca_2,
    cast(null as double) as ae_1,
    cast(null as double) as ae_2,

    model.model_id
from scores
inner join features on scores.customer_id = features.customer_id
inner join names on scores.segment_id = names.segment_id
cross join model
