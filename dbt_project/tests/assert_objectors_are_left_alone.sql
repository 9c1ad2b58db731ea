-- Who objects to profiling is in no table of features, scores, codes or values, and has no segment; who was forgotten
-- is in no list of customers at all.
with

objections as (

    select customer_id from {{ source('intake', 'objections') }}

),

traces as (

    {% for relation in ('int_customer_features', 'training_sample', 'customer_scores', 'customer_codes',
        'int_customer_values') -%}
    select customer_id from {{ ref(relation) }}
    union all
    {% endfor %}
    select customer_id from {{ ref('customer_segments') }}
    where status != 'suppressed' or segment_id is not null or model_id is not null
    union all
    select segments.customer_id from {{ ref('customer_segments') }} as segments
    inner join {{ source('intake', 'objections') }} as forgotten
        on segments.customer_id = forgotten.customer_id and forgotten.is_forgotten

)

select traces.customer_id from traces
inner join objections on traces.customer_id = objections.customer_id
