{% set columns = feature_names(unit='money') %}

-- Each column of money summed under its own name: in the input, in the features and refused. Amounts
-- beyond what staging takes stand in no total: some have more digits than a sum can hold.
with

rows_in as (

    select
        {% for name in columns %}
        case when abs({{ name }}) <= 1e12 then cast({{ name }} as decimal(24, 6)) end as {{ name }},
        {% endfor %}
        rejection_reason
    from {{ ref('stg_summary__customers') }}

),

in_input as (

    select
        {% for name in columns %}
        sum({{ name }}) as {{ name }},
        sum(case when rejection_reason is not null then {{ name }} end) as {{ name }}_refused,
        count(case when rejection_reason like '{{ name }} is%' and {{ name }} is null then 1 end) as {{ name }}_unknown,
        {% endfor %}
        count(*) as row_count
    from rows_in

),

in_duplicates as (

    select
        {% for name in columns %}
        sum(cast({{ name }} as decimal(24, 6))) as {{ name }},
        {% endfor %}
        count(*) as row_count
    from {{ ref('int_summary_duplicate_customers') }}
    where duplicate_rank > 1

),

in_features as (

    select
        {% for name in columns %}
        sum(cast({{ name }} as decimal(24, 6))) as {{ name }},
        {% endfor %}
        count(*) as row_count
    from {{ ref('int_summary_customer_features') }}

)

{% for name in columns -%}
select
    'customer_summary' as source,
    '{{ name }}' as measure,
    coalesce(in_input.{{ name }}, 0) as amount_in,
    coalesce(in_features.{{ name }}, 0) as amount_in_features,
    0 as amount_outside_window,
    coalesce(in_input.{{ name }}_refused, 0) + coalesce(in_duplicates.{{ name }}, 0) as amount_rejected,
    in_input.{{ name }}_unknown as amounts_unknown
from in_input
cross join in_duplicates
cross join in_features
{{ 'union all' if not loop.last }}
{% endfor %}
