{% set parts = yearly_value_parts('base') | map('first') | list %}

with

customer_values as (

    select * from {{ ref('int_customer_values') }}

),

names as (

    select
        segment_id,
        segment_name
    from {{ ref('segment_names') }}

),

currency as (

    select * from {{ ref('stg_rulebook__currency') }}

),

summed as (

    select
        {% for scenario in ('low', 'base', 'high') %}
        avg(value_{{ scenario }}) as value_{{ scenario }},
        sum(value_{{ scenario }}) as total_{{ scenario }},
        {% endfor %}
        {% for part in parts %}
        avg({{ part }}) as {{ part }},
        {% endfor %}
        segment_id,
        count(*) as customers
    from customer_values
    group by segment_id

),

-- Of those whose value is known, so that drivers times assumptions give the value again.
driven as (

    select
        {% for driver, expression in value_drivers().items() %}
        avg({{ expression }}) as {{ driver }},
        {% endfor %}
        customer_values.segment_id
    from customer_values
    inner join {{ ref('model_input') }} as features on customer_values.customer_id = features.customer_id
    where customer_values.value_base is not null
    group by customer_values.segment_id

)

select
    {% for scenario in ('low', 'base', 'high') %}
    summed.value_{{ scenario }},
    summed.total_{{ scenario }},
    {% endfor %}
    {% for part in parts %}
    summed.{{ part }},
    {% endfor %}
    {% for driver in value_drivers() %}
    driven.{{ driver }},
    {% endfor %}
    summed.total_base / nullif(sum(summed.total_base) over (), 0) as share_of_total,
    currency.currency,
    summed.customers,
    summed.segment_id,
    names.segment_name
from summed
cross join currency
left join driven on summed.segment_id = driven.segment_id
inner join names on summed.segment_id = names.segment_id
