{# The rows of one result of the learning, with the columns and types that python_models/results.py gives it. #}
{% macro learned(result) -%}
    select unnest({{ result }}, recursive := true) from {{ ref('trained_model') }}
{%- endmacro %}
