with

features as (

    select * from {{ ref('model_input') }}

),

scores as (

    select
        customer_id,
        segment_id
    from {{ ref('customer_scores') }}

),

names as (

    select * from {{ ref('segment_names') }}

),

measures as (

    {{ unpack_records('segment', {
        'segment_id': 'integer', 'silhouette': 'double', 'stability': 'double', 'is_unstable': 'boolean',
    }) }}

),

labelled as (

    select
        scores.segment_id,
        features.* exclude (customer_id) -- noqa: RF02
    from features
    inner join scores on features.customer_id = scores.customer_id

),

profiled as (

    select
        {% for name in feature_names() %}
        avg({{ name }}) as {{ name }}_mean,
        median({{ name }}) as {{ name }}_median,
        {% endfor %}
        segment_id,
        count(*) as customers
    from labelled
    group by segment_id

)

select
    profiled.segment_id,
    names.segment_name,
    names.description,

    profiled.customers,
    profiled.customers / sum(profiled.customers) over () as customer_share,

    profiled.* exclude (segment_id, customers), -- noqa: RF02

    measures.silhouette,
    measures.stability,
    measures.is_unstable
from profiled
inner join names on profiled.segment_id = names.segment_id
left join measures on profiled.segment_id = measures.segment_id
order by profiled.segment_id
