{{ config(materialized='view') }}

with

features as (

    select * from {{ ref('int_customer_features') }}

)

select
    {% for name, expression, _ in indicators() %}
    {{ expression }} as {{ name }},
    {% endfor %}
    {% for name in feature_names() %}
    {{ name }},
    {% endfor %}
    customer_id
from features
