{{ config(materialized='view') }}

with

features as (

    select * from {{ ref('int_customer_features') }}

)

select
    {% for name, expression, _ in indicators() %}
    {{ expression }} as {{ name }},
    {% endfor %}
    {% for name in feature_names() if name != 'prc_full_payment' %}
    {{ name }},
    {% endfor %}
    -- Of those to whom nothing was due, nobody knows how they pay.
    case when not nothing_was_due then prc_full_payment end as prc_full_payment,
    customer_id
from features
