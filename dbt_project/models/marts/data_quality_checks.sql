with

features as (

    select * from {{ ref('customer_features') }}

),

checked as (

    {% for check_name, severity, condition in quality_rules() -%}
    select
        '{{ check_name }}' as check_name,
        '{{ severity }}' as severity,
        count(*) as affected_rows,
        array_to_string(min(customer_id, 10), ' ') as example_ids
    from features
    where {{ condition }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    checked.*,
    words.text as meaning
from checked
inner join {{ ref('words') }} as words on 'check.' || checked.check_name = words.key
