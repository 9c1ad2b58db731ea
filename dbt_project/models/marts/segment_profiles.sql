with

names as (

    select * from {{ ref('segment_names') }}

),

measures as (

    {{ unpack_records('segment', {
        'segment_id': 'integer', 'silhouette': 'double', 'stability': 'double', 'is_unstable': 'boolean',
    }) }}

),

profiled as (

    select
        {% for name in feature_names() %}
        max(mean) filter (measure = '{{ name }}') as {{ name }}_mean,
        max(median) filter (measure = '{{ name }}') as {{ name }}_median,
        {% endfor %}
        segment_id,
        any_value(customers) as customers
    from {{ ref('segment_statistics') }}
    group by segment_id

)

select
    profiled.segment_id,
    names.segment_name,
    names.archetype,
    names.description,
    names.traits,

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
