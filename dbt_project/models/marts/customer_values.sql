{% set scenarios = ['low', 'base', 'high'] %}

-- A planning model with stated assumptions (value_assumptions), no accounting.
with

assumptions as (

    select
        {% for scenario in scenarios %}
        {% set last_scenario = loop.last %}
        {% for name, _, _ in economics_terms() %}
        max(cast({{ scenario }} as double)) filter (assumption = '{{ name }}')
            as {{ name }}_{{ scenario }}{{ ',' if not (loop.last and last_scenario) }}
        {% endfor %}
        {% endfor %}
    from {{ ref('economics_assumptions') }}
    where assumption != 'currency'

),

-- Those who objected to profiling are not in the model's input, so they have no value either.
customers as (

    select
        features.*,
        scores.segment_id,
        assumptions.*
    from {{ ref('model_input') }} as features
    inner join {{ ref('customer_scores') }} as scores on features.customer_id = scores.customer_id
    cross join assumptions

)

select
    customer_id,
    segment_id,

    {% for scenario in scenarios %}
    {% for _, expression in yearly_value_parts(scenario) %}
    {{ '+ ' if not loop.first }}{{ expression }}
    {% endfor %}
    as value_{{ scenario }},
    {% endfor %}
    {% for name, expression in yearly_value_parts('base') %}
    {{ expression }} as {{ name }}{{ ',' if not loop.last }}
    {% endfor %}
from customers
