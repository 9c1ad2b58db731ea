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

-- No codes where no autoencoder was trained.
codes as (

    select
        embeddings.customer_id,
        embeddings.ae_1,
        embeddings.ae_2,
        embeddings.reconstruction_error
    from {{ ref('customer_embeddings') }} as embeddings
    inner join {{ ref('autoencoders') }} as autoencoders
        on embeddings.autoencoder = autoencoders.autoencoder and autoencoders.is_lead

),

-- A summary does not say which cards are closed.
closed as (

    {% if var('source_kind') == 'ledger' %}
    select
        customer_id,
        bool_and(closed_on is not null) as is_closed
    from {{ ref('int_ledger_accounts') }}
    group by customer_id
    {% else %}
    select
        customer_id,
        cast(null as boolean) as is_closed
    from features
    {% endif %}

),

model as (

    {{ unpack_records('run', {'model_id': 'varchar'}) }}

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

        closed.is_closed,
        model.model_id
    from scores
    inner join features on scores.customer_id = features.customer_id
    inner join names on scores.segment_id = names.segment_id
    inner join closed on scores.customer_id = closed.customer_id
    left join codes on scores.customer_id = codes.customer_id
    cross join model

),

-- Of those who objected to profiling nothing is said but that they did.
suppressed as (

    select
        customer_id,
        'suppressed' as status
    {% if var('source_kind') == 'ledger' %}
    from {{ ref('int_ledger_customer_features') }}
    {% else %}
    from {{ ref('int_summary_customer_features') }}
    {% endif %}
    where customer_id in (select customer_id from {{ source('intake', 'objections') }})

)

-- By name: what is not said of them is empty.
select * from labelled -- noqa: AM07
union all by name
select * from suppressed
