{# Unpack one kind of record of the trained model into typed columns: {column: type}. #}
{% macro unpack_records(record, columns) -%}
    select
        {% for name, type in columns.items() -%}
        cast(payload ->> '{{ name }}' as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
        {% endfor -%}
    from {{ ref('trained_model') }}
    where record = '{{ record }}'
{%- endmacro %}

{# Seconds of all parts of a training run, from the JSON of its record. #}
{% macro learning_seconds(payload) -%}
    list_sum(
        list_transform(
            list_filter(json_keys({{ payload }}), lambda name: starts_with(name, 'seconds_')),
            lambda name: cast({{ payload }} ->> name as double)
        )
    )
{%- endmacro %}
