{% set parts = yearly_value_parts('base') | map('first') | list %}

with

customer_values as (

    select * from {{ ref('customer_values') }}

),

names as (

    select
        segment_id,
        segment_name
    from {{ ref('segment_names') }}

),

summed as (

    select
        segment_id,
        count(*) as customers,
        {% for scenario in ('low', 'base', 'high') %}
        avg(value_{{ scenario }}) as value_{{ scenario }},
        sum(value_{{ scenario }}) as total_{{ scenario }},
        {% endfor %}
        {% for part in parts %}
        avg({{ part }}) as {{ part }}{{ ',' if not loop.last }}
        {% endfor %}
    from customer_values
    group by segment_id

)

select
    summed.segment_id,
    names.segment_name,
    (select base from {{ ref('economics_assumptions') }} where assumption = 'currency') as currency,

    summed.customers,
    {% for scenario in ('low', 'base', 'high') %}
    summed.value_{{ scenario }},
    {% endfor %}
    {% for scenario in ('low', 'base', 'high') %}
    summed.total_{{ scenario }},
    {% endfor %}
    summed.total_base / nullif(sum(summed.total_base) over (), 0) as share_of_total,

    {% for part in parts %}
    summed.{{ part }}{{ ',' if not loop.last }}
    {% endfor %}
from summed
inner join names on summed.segment_id = names.segment_id
