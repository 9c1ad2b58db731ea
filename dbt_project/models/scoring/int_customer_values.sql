{% set scenarios = ['low', 'base', 'high'] %}

-- A planning model with stated assumptions (value_assumptions), no accounting. Money in another currency than that of
-- the input is unknown.
with

assumptions as (

    select
        {% for scenario in scenarios %}
        {% for name, kind, _ in economics_terms() %}
        {{ assumed(name, kind, scenario) }} as {{ name }}_{{ scenario }},
        {% endfor %}
        {% endfor %}
        count(*) as assumptions_made
    from {{ ref('stg_rulebook__assumptions') }} as given
    cross join {{ ref('stg_rulebook__currency') }} as currency

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
    {% for scenario in scenarios %}
    {{ yearly_value_parts(scenario) | map('last') | join(' + ') }} as value_{{ scenario }},
    {% endfor %}
    {% for name, expression in yearly_value_parts('base') %}
    {{ expression }} as {{ name }},
    {% endfor %}
    customer_id,
    segment_id
from customers
