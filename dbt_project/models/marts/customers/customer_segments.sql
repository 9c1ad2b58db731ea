with

model as (

    {{ learned('run') }}

),

features as (

    select
        customer_id,
        as_of_date
    from {{ ref('int_customer_features') }}

),

names as (

    select
        segment_id,
        segment_name
    from {{ ref('segment_names') }}

),

-- No codes where no autoencoder was trained.
codes as (

    select
        codes.customer_id,
        codes.ae_1,
        codes.ae_2,
        codes.reconstruction_error
    from {{ ref('customer_codes') }} as codes
    inner join {{ ref('int_autoencoders') }} as autoencoders
        on codes.autoencoder = autoencoders.autoencoder and autoencoders.is_lead

),

labelled as (

    select
        scores.customer_id,
        'segmented' as status,

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
        codes.ae_1,
        codes.ae_2,
        codes.reconstruction_error,

        accounts.is_closed,
        model.model_id
    from {{ ref('customer_scores') }} as scores
    inner join features on scores.customer_id = features.customer_id
    inner join names on scores.segment_id = names.segment_id
    left join {{ ref('int_account_status') }} as accounts on scores.customer_id = accounts.customer_id
    left join codes on scores.customer_id = codes.customer_id
    cross join model

),

suppressed as (

    select
        customer_id,
        'suppressed' as status,

        cast(null as date) as as_of_date,

        cast(null as integer) as segment_id,
        cast(null as string) as segment_name,
        cast(null as double) as distance_to_centroid,
        cast(null as integer) as runner_up_segment_id,
        cast(null as double) as confidence,
        cast(null as double) as pca_1,
        cast(null as double) as pca_2,
        cast(null as double) as ae_1,
        cast(null as double) as ae_2,
        cast(null as double) as reconstruction_error,

        cast(null as boolean) as is_closed,
        cast(null as string) as model_id
    from {{ ref('int_objectors') }}

)

select * from labelled
union all
select * from suppressed
