{{ config(materialized='view') }}

with

features as (

    select * from {{ ref('model_input') }}

)

select
    {% for name, expression, _ in indicators() %}
    {{ expression }} as {{ name }},
    {% endfor %}
    features.*
from features
