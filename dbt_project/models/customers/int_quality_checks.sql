with

features as (

    select * from {{ ref('int_customer_features') }}

)

{% for check_name, severity, condition in quality_rules() -%}
select
    '{{ check_name }}' as check_name,
    '{{ severity }}' as severity,
    count(*) as affected_rows,
    array_to_string(min(customer_id, 10), ' ') as example_ids
from features
where {{ condition }}
union all
{% endfor %}
select * from {{ of_kind('checks') }}
