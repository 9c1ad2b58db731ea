{{ config(materialized='view') }}

with

features as (

    select * from {{ ref('model_input') }}

)

select
    *,
    {% for name, expression, _ in indicators() %}
    {{ expression }} as {{ name }}{{ ',' if not loop.last }}
    {% endfor %}
from features
