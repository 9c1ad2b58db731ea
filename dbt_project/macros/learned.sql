{# The rows of one result of the model in use, with the columns and types that python_models/results.py gives it. #}
{% macro learned(result) -%}
    select unnest({{ result }}, recursive := true) from {{ ref('model_in_use') }}
{%- endmacro %}
