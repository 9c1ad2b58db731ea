-- Who objects to profiling, or was forgotten, leaves here, before anything is learned or scored.
with

features as (

    select * from {{ of_kind('customer_features') }}

)

select
    customer_id,

    as_of_date,

    {% for name in feature_names() -%}
    cast({{ name }} as double) as {{ name }},
    {% endfor %}
    nothing_was_due,
    cast(months_on_book as integer) as months_on_book
from features
where
    not exists (
        select 1 from {{ source('intake', 'objections') }} as objections
        where objections.customer_id = features.customer_id
    )
