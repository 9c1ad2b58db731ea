{# One row per customer and protected trait that was named, with its value as text; none where none was named. #}
{% macro protected_traits(relation, id) -%}
    {% for trait in var('protected').split(',') | select %}
    select
        {{ as_id(relation, id) }} as customer_id,
        '{{ trait | replace("'", "''") }}' as trait,
        min(nullif(trim(cast({{ quoted(trait) }} as string)), '')) as value
    from {{ relation }}
    group by 1
    {{ 'union all' if not loop.last }}
    {% else %}
    select
        cast(null as string) as customer_id,
        cast(null as string) as trait,
        cast(null as string) as value
    where false
    {% endfor %}
{%- endmacro %}
