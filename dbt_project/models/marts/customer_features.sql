with

features as (

    select * from {{ ref('int_ledger_customer_features') if var('source_kind') == 'ledger' else ref('int_summary_customer_features') }}

)

select
    customer_id,

    as_of_date,

    {% for name in feature_names() -%}
    cast({{ name }} as double) as {{ name }},
    {% endfor %}
    nothing_was_due
from features
