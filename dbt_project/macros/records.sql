{# Unpack one kind of record of the trained model into typed columns: {column: type}. #}
{% macro unpack_records(record, columns) -%}
    select
        {% for name, type in columns.items() -%}
        cast(payload ->> '{{ name }}' as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
        {% endfor -%}
    from {{ ref('trained_model') }}
    where record = '{{ record }}'
{%- endmacro %}
