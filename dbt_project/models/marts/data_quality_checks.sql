with

features as (

    select * from {{ ref('customer_features') }}

),

checked as (

    {% for check_name, severity, condition, meaning in quality_rules() -%}
    select
        '{{ check_name }}' as check_name,
        '{{ severity }}' as severity,
        count(*) as affected_rows,
        array_to_string(min(customer_id, 10), ' ') as example_ids,
        '{{ meaning }}' as meaning
    from features
    where {{ condition }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from checked
