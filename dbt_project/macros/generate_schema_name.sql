{# A model's schema is the one its folder names, without dbt's target prefix: outsiders rely on `marts`. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
