with

names as (

    select * from {{ ref('segment_names') }}

),

quality as (

    {{ learned('segments') }}

),

profiled as (

    select
        {% for name in feature_names() %}
        max(mean) filter (where feature = '{{ name }}') as {{ name }}_mean,
        max(median) filter (where feature = '{{ name }}') as {{ name }}_median,
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
    payment_sides.payment_side,
    payment_sides.payment_words,
    descriptions.description,
    names.traits,

    profiled.customers,
    profiled.customers / sum(profiled.customers) over () as customer_share,

    {% for name in feature_names() -%}
    profiled.{{ name }}_mean,
    profiled.{{ name }}_median,
    {% endfor %}

    quality.silhouette,
    quality.stability,
    quality.is_unstable
from profiled
inner join names on profiled.segment_id = names.segment_id
inner join {{ ref('segment_descriptions') }} as descriptions on profiled.segment_id = descriptions.segment_id
inner join {{ ref('segment_payment_sides') }} as payment_sides on profiled.segment_id = payment_sides.segment_id
left join quality on profiled.segment_id = quality.segment_id
order by profiled.segment_id
