{# The features, read from the contract of int_customer_features: its columns with a unit (money, months,
   share or count), all of them or those of one unit. #}
{% macro feature_names(unit=none) %}
    {% set names = [] %}
    {% if execute %}
        {% for node in graph.nodes.values() if node.name == 'int_customer_features' and node.resource_type == 'model' %}
            {% for column in node.columns.values() if column.config.meta.unit %}
                {% if unit is none or column.config.meta.unit == unit %}
                    {% do names.append(column.name) %}
                {% endif %}
            {% endfor %}
        {% endfor %}
    {% endif %}
    {{ return(names) }}
{% endmacro %}

{# Of how many features the input knows any value: an aggregate. #}
{% macro known_features() -%}
    {%- for name in feature_names() -%}
    cast(count({{ name }}) > 0 as integer){{ ' + ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
