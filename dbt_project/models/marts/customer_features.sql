-- Who objects to profiling leaves here, before anything is learned or scored.
with

features as (

    {% if var('source_kind') == 'ledger' %}
    select * from {{ ref('int_ledger_customer_features') }}
    {% else %}
    select * from {{ ref('int_summary_customer_features') }}
    {% endif %}

)

select
    customer_id,

    as_of_date,

    {% for name in feature_names() -%}
    cast({{ name }} as double) as {{ name }},
    {% endfor %}
    nothing_was_due
from features
where customer_id not in (select customer_id from {{ source('intake', 'objections') }})
